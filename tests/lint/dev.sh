#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when ./dev starts something that was not asked for. It is tried on a copy,
# whose verbs would find nothing to build.
set -eu
cd "${1:-.}"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp dev "$folder/"

status=0

# Usage: check STATUS WORD...
check() {
        wanted=$1
        shift
        got=0
        timeout 10 "$folder/dev" "$@" >"$folder/out" 2>&1 || got=$?
        if [ "$got" -ne "$wanted" ] || ! grep -q '^\./dev VERB$' "$folder/out" || [ "$(ls "$folder")" != "$(printf 'dev\nout')" ]; then
                echo "./dev $*: status $got, and not $wanted with its usage:"
                cat "$folder/out"
                status=1
        fi
}

check 0
check 0 help
check 0 --help
for verb in run stop build test check lint format fuzz; do
        check 0 "$verb" --help
        check 0 "$verb" -h
done
for verb in run stop build test lint format fuzz; do
        check 2 "$verb" now
done
check 2 dance
exit $status
