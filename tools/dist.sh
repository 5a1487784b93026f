#!/usr/bin/env bash
# make dist: a release into dist/. For each OS/ARCH (all of them, unless some are given) a static
# program in an archive with its units, manual, and completions, and its bill of materials; for
# Linux a deb and an rpm; and the checksums of all. The same commit gives the same bytes.
#
#     tools/dist.sh [OS/ARCH...]      with OUT (dist) and VERSION (git describe) from the environment
set -euo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-dist}
targets=("$@")
((${#targets[@]})) || targets=(linux/amd64 linux/arm64 linux/armv7 darwin/amd64 darwin/arm64 windows/amd64)

# The version from a tag, or from the number of commits when there is none.
version=${VERSION:-$(git describe --tags --dirty 2>/dev/null || echo "v0.0.0-$(git rev-list --count HEAD)-g$(git rev-parse --short HEAD)")}
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH CGO_ENABLED=0
# v1.2.0-5-gabc, five commits after v1.2.0, comes after 1.2.0 and before 1.2.1: 1.2.0+5.gabc.
package_version=$(sed -E 's/^v//; s/-([0-9]+)-g/+\1.g/; s/-dirty$/.dirty/; s/-/~/g' <<<"$version")
# Paths of the building machine must not become default paths in the manual.
unset XDG_CONFIG_HOME XDG_DATA_HOME "${!P2PCHORD_@}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
build() { # FILE
	go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$version -X main.commit=$commit" -o "$1" ./cmd/p2pchord
}
go build -o "$work/dist" ./internal/dist
echo "p2pchord $version"

# The program writes its manual and its completions, which are the same for all systems.
build "$work/p2pchord"
common=$work/common
mkdir -p "$common/completions" "$common/docs"
"$work/p2pchord" man "$common/man"
gzip -n9 "$common"/man/*.1
for shell in bash zsh fish powershell; do
	"$work/p2pchord" completion $shell >"$common/completions/p2pchord.$shell"
done
cp README.md CHANGELOG.md LICENSE "$common"
cp docs/cli.md "$common/docs"

for target in "${targets[@]}"; do
	os=${target%/*} arch=${target#*/}
	name=p2pchord_${version}_${os}_$arch
	stage=$work/$name
	program=p2pchord
	[[ $os != windows ]] || program=p2pchord.exe
	cp -r "$common" "$stage"
	case $arch in
	armv7) export GOARCH=arm GOARM=7 ;;
	*) export GOARCH=$arch ;;
	esac
	GOOS=$os build "$stage/$program"
	"$work/dist" sbom "$stage/$program" "$version" "$stage/sbom.cdx.json"
	cp "$stage/sbom.cdx.json" "$out/$name.cdx.json"
	case $os in
	linux)
		cp -r deploy/systemd "$stage/systemd"
		sed "s#\${STAGE}#$stage#; s#\${ARCH}#${arch/armv7/arm7}#; s#\${VERSION}#$package_version#" deploy/package/nfpm.yaml >"$work/nfpm.yaml"
		for format in deb rpm; do
			# GOARCH is for the program: the packager runs here.
			env -u GOARCH -u GOARM go tool -modfile=tools/dist.mod nfpm package \
				-f "$work/nfpm.yaml" -p $format -t "$out/$name.$format" >"$work/nfpm.log" || { cat "$work/nfpm.log" >&2 && exit 1; }
		done
		"$work/dist" archive "$stage" "$out/$name.tar.gz"
		;;
	windows)
		rm -r "$stage/man"
		"$work/dist" archive "$stage" "$out/$name.zip"
		;;
	*) "$work/dist" archive "$stage" "$out/$name.tar.gz" ;;
	esac
	unset GOARCH GOARM
	rm -r "$stage"
	echo "$target"
done
"$work/dist" sums "$out"
