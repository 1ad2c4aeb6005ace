#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a manual page is malformed.
set -eu
cd "${1:-.}/docs"

if ! command -v mandoc >/dev/null; then
        echo "no mandoc, skipped"
        exit 77
fi
mandoc -T lint -W warning sockwatchd.8 sockwatch.1
