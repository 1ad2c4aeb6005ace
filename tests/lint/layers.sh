#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a file includes a header from a layer it must not know about.
# Each rule: a layer, then the layers it may include besides its own.
set -eu
cd "${1:-.}"

# An include of one of our folders, however it is written.
ours='^[[:space:]]*#[[:space:]]*include[[:space:]]*["<](base|kernel|store|collect|derive|exporters|cli|daemon)/'

status=0
while read -r layer allowed; do
        if [ ! -d "$layer" ]; then
                echo "no folder $layer; mend the rules of $0"
                status=1
                continue
        fi
        own=$(basename "$layer")
        # "exporters/http/server.h" counts as exporters.
        for header in $(grep -rhoE "$ours" "$layer" | sed 's/.*["<]//' | sort -u); do
                case " $own $allowed " in
                *" ${header%/} "*) ;;
                *)
                        echo "$layer includes ${header}: not one of: $own $allowed"
                        grep -rnE "[\"<]$header" "$layer"
                        status=1
                        ;;
                esac
        done
done <<'RULES'
lib/base
lib/kernel   base
lib/store    base
lib/collect  base kernel store
lib/derive   base store
exporters    base store derive
cli          base kernel store collect derive
daemon       base kernel store collect derive exporters
RULES

# Ours are written from the root of lib/ or of the project, so that the rules above see them all.
if grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"(\.\./|[^/"]*")' lib exporters cli daemon; then
        echo "write includes with their folder"
        status=1
fi

exit $status
