#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs to a folder, and runs the service from there as its unit does: without the toolchain, in an empty environment.
# Needs root, to hide the toolchain and to put the folder in the place of /usr/local.
#   scripts/check-install.sh
set -euo pipefail

cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "This needs root, for mounts in a namespace of its own." >&2; exit 1; }
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
make --no-print-directory install DESTDIR="$work"
for file in bin/uae share/doc/uae/LICENSE share/doc/uae/NOTICE share/uae/models/default/config.json \
    share/uae/models/default/model.safetensors lib/systemd/system/uae.service; do
    [ -s "$work/usr/local/$file" ] || { echo "$file is not installed" >&2; exit 1; }
done
runpath=$(readelf --dynamic "$work/usr/local/bin/uae" | sed -n 's/.*R\(UN\)\?PATH.*\[\(.*\)\]/\2/p')
[ -z "$runpath" ] || [ "$runpath" = '$ORIGIN' ] || { echo "The binary looks for libraries in $runpath" >&2; exit 1; }
echo "installed; the binary's RUNPATH is '$runpath'"

swift=$(realpath "$(command -v swift)")
export PREFIX_BELOW=$work/usr/local TOOLCHAIN=${swift%/usr/bin/*} PHOTO=$PWD/Tests/Fixtures/data/golden/clip/china.jpg
unshare --mount bash -euo pipefail -c '
    log=$(mktemp)
    mount --bind "$PREFIX_BELOW" /usr/local
    mount -t tmpfs none "$TOOLCHAIN"
    if command -v systemd-analyze >/dev/null; then
        systemd-analyze verify /usr/local/lib/systemd/system/uae.*
        echo "systemd-analyze verify: no complaint"
    fi
    unit=/usr/local/lib/systemd/system/uae.service
    read -r -a environment <<<"$(sed -n "s/^Environment=//p" "$unit")"
    read -r -a command <<<"$(sed -n "s/^ExecStart=//p" "$unit")"
    env --ignore-environment "${environment[@]}" "${command[@]}" --port 0 --drain-delay-ms 0 2>"$log" &
    server=$!
    trap "kill -KILL $server 2>/dev/null || true; rm -f $log" EXIT
    for _ in $(seq 200); do
        address=$(head -n 1 "$log" | grep --only-matching --extended-regexp "127\.0\.0\.1:[0-9]+" || true)
        [ -z "$address" ] || break
        sleep 0.05
    done
    [ -n "$address" ] || { cat "$log" >&2; exit 1; }
    curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "http://$address/health/ready"
    curl --silent --fail --data-binary "@$PHOTO" "http://$address/classify?top_k=1"
    echo
    env --ignore-environment /usr/local/bin/uae health --url "http://$address/health/ready"
    kill -TERM "$server"
    wait "$server"
    echo "served without the toolchain; SIGTERM: exit 0"
'
