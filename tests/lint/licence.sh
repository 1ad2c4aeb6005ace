#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when a file of the project does not say its licence in its first lines.
# Left out: files that hold data, and texts for people.
set -eu
cd "${1:-.}"
git rev-parse --git-dir >/dev/null 2>&1 || { echo "not a git checkout, skipped"; exit 77; }

status=0
for file in $(git -c safe.directory='*' ls-files | grep -vE '^(LICENSE|\.gitignore|.*\.md)$|^exporters/grafana/.*\.json$|^tests/(fixtures|fuzz/corpus|golden/.*\.txt)'); do
        if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0'; then
                echo "$file has no SPDX line"
                status=1
        fi
done
exit $status
