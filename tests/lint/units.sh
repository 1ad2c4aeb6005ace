#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fails when systemd has anything to say about the units, or finds them exposed.
# (systemd-analyze verify exits 0 on a key it does not know: silence is the test.)
set -eu
build=$1

if ! command -v systemd-analyze >/dev/null; then
        echo "no systemd-analyze, skipped"
        exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The daemon need not be installed for its unit to be checked.
sed "s|^ExecStart=[^ ]*|ExecStart=$build/daemon/sockwatchd|" "$build/systemd/sockwatch.service" >"$folder/sockwatch.service"
cp "$(dirname "$0")/../../systemd/sockwatch.socket" "$folder/"

status=0
said=$(systemd-analyze verify --man=no "$folder/sockwatch.service" "$folder/sockwatch.socket" 2>&1 |
        grep -F "$folder/" || true)
if [ -n "$said" ]; then
        echo "$said"
        status=1
fi

systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/sockwatch.service" >"$folder/security" 2>&1 || {
        grep '✗' "$folder/security" || cat "$folder/security"
        status=1
}
exit $status
