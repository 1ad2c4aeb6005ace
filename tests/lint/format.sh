#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a C file is not as clang-format would write it. `./dev format` mends that.
set -eu
cd "${1:-.}"

if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
        echo "no clang-format 14, skipped"
        exit 77
fi
find lib exporters cli daemon tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
