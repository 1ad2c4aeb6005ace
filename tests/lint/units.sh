#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when systemd has anything to say about the units, or finds them exposed:
# the service as it is, and with the drop-in that gives it privileges.
# (systemd-analyze verify exits 0 on a key it does not know: silence is the test.)
set -eu
build=$1
source=$(dirname "$0")/../../systemd

if ! command -v systemd-analyze >/dev/null; then
        echo "no systemd-analyze, skipped"
        exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The daemon need not be installed for its unit to be checked.
sed "s|^ExecStart=[^ ]*|ExecStart=$build/daemon/sockwatchd|" "$build/systemd/sockwatch.service" >"$folder/sockwatch.service"
cp "$source/sockwatch.socket" "$folder/"

status=0

# Exposure is in tenths, as systemd-analyze security counts it.
check() {
        said=$(systemd-analyze verify --man=no "$folder/sockwatch.service" "$folder/sockwatch.socket" 2>&1 |
                grep -F "$folder/" || true)
        if [ -n "$said" ]; then
                echo "$said"
                status=1
        fi

        systemd-analyze security --offline=true --threshold="$1" --no-pager "$folder/sockwatch.service" \
                >"$folder/security" 2>&1 || {
                grep '✗' "$folder/security" || cat "$folder/security"
                status=1
        }
}

check 20

mkdir "$folder/sockwatch.service.d"
cp "$source/processes.conf" "$folder/sockwatch.service.d/"
check 25
exit $status
