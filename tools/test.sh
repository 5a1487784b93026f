#!/usr/bin/env bash
# Everything that has to pass, cheapest first, the tests last. A step whose tool is missing and can't
# be installed here is skipped with a message. It uses nothing outside the Go module proxy, Debian's
# packages, and npm's registry.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() { printf '\n== %s\n' "$*"; }
skipped=()
skip() {
	printf 'SKIPPED: %s\n' "$*"
	skipped+=("$*")
}

# need COMMAND PACKAGE...: is COMMAND there, or can it be installed?
updated=no
need() {
	local command=$1
	shift
	command -v "$command" >/dev/null && return 0
	[[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 1
	export DEBIAN_FRONTEND=noninteractive
	if [[ $updated == no ]]; then
		apt-get update -qq >/dev/null || return 1
		updated=yes
	fi
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null || return 1
	command -v "$command" >/dev/null
}

step vet and build
go vet ./...
go build ./...

step vet for other systems
for os in windows darwin; do
	echo "GOOS=$os"
	GOOS=$os CGO_ENABLED=0 go vet ./...
done

step generated code
if need protoc protobuf-compiler; then
	fresh=$scratch/pb
	mkdir "$fresh"
	tools/proto.sh "$fresh"
	for f in "$fresh"/*.pb.go; do
		# The version of protoc is in a comment and doesn't matter.
		diff -u -I '^//[[:space:]]*protoc  *v' "protocol/pb/$(basename "$f")" "$f" ||
			{ echo "protocol/pb is not what its .proto files say: run make proto" && exit 1; }
	done
else
	skip "that protocol/pb matches its .proto files: there is no protoc (Debian: protobuf-compiler)"
fi

step lint
tools/lint.sh

# A copy of the database in a folder will do: GOVULNDB=file:///FOLDER.
step known vulnerabilities
if [[ ${GOVULNDB:-} == file://* ]] || timeout 5 bash -c '</dev/tcp/vuln.go.dev/443' 2>/dev/null; then
	go tool -modfile=tools/go.mod govulncheck ./...
else
	skip "known vulnerabilities: vuln.go.dev can't be reached (make vuln, where it can)"
fi

step tests
go test -timeout 20m ./...

# The packages without goroutines, ring and replica, have no races to find, and the longest tests;
# e2e runs the program as it is built for users.
step tests with the race detector
if need "$(go env CC)" gcc libc6-dev && [[ $(CGO_ENABLED=1 go env CGO_ENABLED) == 1 ]]; then
	mapfile -t packages < <(go list ./... | grep -vE '/(ring|replica|sim|bench)(/|$)|/protocol/pb$|/internal/(walls|e2e)$')
	CGO_ENABLED=1 go test -race -timeout 20m "${packages[@]}"
else
	skip "the race detector: there is no C compiler (Debian: gcc libc6-dev)"
fi

# Node 20 is the oldest that the client runs on. If Debian's is older, npm has a newer one.
step the client in JavaScript
if ! need node nodejs || ! need npm npm; then
	skip "the client in examples/js: there is no node or no npm (Debian: nodejs npm)"
elif ! npm ping --fetch-timeout=10000 --fetch-retries=0 >/dev/null 2>&1; then
	skip "the client in examples/js: npm's registry can't be reached"
else
	if (($(node -p 'parseInt(process.versions.node)') < 20)); then
		npm install --prefix "$scratch/node" --no-audit --no-fund --loglevel=error node@22
		export PATH=$scratch/node/node_modules/.bin:$PATH
	fi
	npm ci --prefix examples/js --no-audit --no-fund --loglevel=error
	go build -o "$scratch/p2pchord" ./cmd/p2pchord
	(cd examples/js && P2PCHORD=$scratch/p2pchord node --test)
fi

step packages
if [[ $(id -u) == 0 ]] && command -v dpkg >/dev/null; then
	P2PCHORD_PACKAGES=1 go test -timeout 10m -run TestTheDeb ./cmd/p2pchord
else
	skip "that the deb installs, runs and upgrades: it needs root and dpkg"
fi

printf '\nAll passed.'
((${#skipped[@]} == 0)) || printf ' Not run here:%s' "$(printf ' %s.' "${skipped[@]}")"
echo
