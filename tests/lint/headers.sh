#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a header does not compile by itself.
# Usage: headers.sh SOURCE-ROOT COMPILER...
set -eu
cd "$1"
shift

status=0
for header in $(find lib exporters cli daemon -name '*.h'); do
        if ! printf '#include "%s"\n' "$header" |
                "$@" -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter -Werror -I. -Ilib \
                        $(pkg-config --cflags libmnl libmicrohttpd libsystemd smartcols jansson) \
                        -x c -fsyntax-only -; then
                echo "$header does not compile by itself"
                status=1
        fi
done
exit $status
