# Sourced by the findings: a temporary folder, pinned packages in it, their own network namespace.
# Exit codes: 0 it behaves as the script's header says, 1 it has changed, 2 it can't be tried here.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# needs COMMAND...
needs() {
	for command; do
		command -v "$command" >/dev/null || { echo "this needs $command, which is not installed" >&2; exit 2; }
	done
}

# go_program MODULE@VERSION...: builds ./program from main.go, with these modules.
go_program() {
	needs go
	{ go mod init finding && go get "$@" && go mod tidy && go build -o program .; } >log 2>&1 || { tail -5 log >&2; exit 2; }
}

# alone COMMAND...: runs it in a network namespace of its own, in which it is root.
alone() {
	needs unshare ip
	unshare --map-root-user --net true 2>/dev/null || { echo "this needs network namespaces: be root, or allow user namespaces" >&2; exit 2; }
	unshare --map-root-user --net "$@"
}

# verdict STATUS: what a program's exit code says.
verdict() {
	case $1 in
	0) echo "as stated" ;;
	1) echo "CHANGED" && exit 1 ;;
	*) echo "could not be tried: exit code $1" >&2 && exit 2 ;;
	esac
}
