#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when promtool refuses a text, or has anything to say about it.
# Usage: promtool.sh TEXT
set -eu

if ! command -v promtool >/dev/null; then
        echo "no promtool, skipped"
        exit 77
fi

said=$(promtool check metrics <"$1" 2>&1) || {
        echo "promtool exits with $?: $said"
        exit 1
}
if [ -n "$said" ]; then
        echo "$said"
        exit 1
fi
