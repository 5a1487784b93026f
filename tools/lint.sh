#!/usr/bin/env bash
# Usage: tools/lint.sh
# Go code by golangci-lint (.golangci.yml), and the spelling of all other text. What stays British
# is on the wire and in JSON: see docs/glossary.md. internal/walls has the width of comments and docs.
set -euo pipefail
cd "$(dirname "$0")/.."
go tool -modfile=tools/go.mod golangci-lint run ./...
git ls-files '*.md' '*.proto' '*.yaml' '*.yml' '*.sh' '*.service' '*.toml' '*.js' Makefile deploy |
	xargs go tool -modfile=tools/go.mod misspell -error -locale US -i neighbour,neighbours
