#!/usr/bin/env bash
# Usage: tools/fuzz.sh TIME
# Runs every fuzz target of the module for TIME each, and stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s}
grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort | while read -r file; do
	grep -oE '^func Fuzz[A-Za-z0-9_]*' "$file" | cut -c6- | while read -r target; do
		echo "fuzz: $(dirname "$file") $target, $time"
		go test "$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done
