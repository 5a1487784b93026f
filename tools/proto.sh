#!/usr/bin/env bash
# Usage: tools/proto.sh DIR
# Generates Go code from protocol/pb/*.proto into DIR. Needs protoc; the Go plugin comes from
# tools/go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath "$1")
plugin=$(mktemp -d)
trap 'rm -rf "$plugin"' EXIT
go build -modfile=tools/go.mod -o "$plugin/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
cd protocol/pb
protoc --plugin="$plugin/protoc-gen-go" --go_out="$out" --go_opt=paths=source_relative ./*.proto
