#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the Dockerfile without a container engine, as root: builds with its build command, unpacks its run-time packages
# over a minimal Debian in a folder, and runs the binary there with chroot, as its user, in its environment, on a
# read-only root. All values are read from the Dockerfile, so that the two cannot differ.
#   scripts/check-runtime-image.sh         UAE_BINARY=... uses that binary instead of building one
set -euo pipefail

cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "This needs root, for debootstrap and chroot." >&2; exit 1; }
scripts/install-packages.sh debootstrap curl

# The Dockerfile with continued lines joined; then its stages.
lines=$(sed -e ':a' -e '/\\$/N' -e 's/\\\n *//' -e 'ta' Dockerfile)
build_stage=$(sed '/^FROM debian:/,$d' <<<"$lines")
runtime_stage=$(sed -n '/^FROM debian:/,$p' <<<"$lines")
build_command=$(sed -n 's/^RUN \(swift build .*\)$/\1/p' <<<"$build_stage")
packages=$(sed -n 's/^RUN .*apt-get install \([^&]*\)&&.*/\1/p' <<<"$runtime_stage" | tr -s ' ' '\n' | grep --invert-match '^-' |
    grep . | paste -sd, -)
read -r -a environment <<<"$(sed -n 's/^ENV //p' <<<"$runtime_stage")"
user=$(sed -n 's/^USER //p' <<<"$runtime_stage")
health=$(sed -n 's/^HEALTHCHECK .* CMD \[\(.*\)\]$/\1/p' <<<"$runtime_stage" | tr -d '",')
for part in "$build_command" "$packages" "${environment[*]}" "$user" "$health"; do
    [ -n "$part" ] || { echo "This script cannot parse the Dockerfile." >&2; exit 1; }
done

binary=${UAE_BINARY:-}
if [ -z "$binary" ]; then
    # Only what the Dockerfile's COPY sees; a target of Package.swift whose folder is missing there ends the build.
    context=$PWD/.build-image/context
    rm -rf "$context"
    mkdir -p "$context"
    sed -n 's/^!//p' .dockerignore | xargs cp --archive --parents --target-directory="$context"
    # shellcheck disable=SC2086  # The command's words.
    (cd "$context" && $build_command --scratch-path ../)
    binary=.build-image/release/uae
fi

root=$(mktemp --directory)
log=$(mktemp)
server=
finish() {
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    umount "$root/proc" "$root" 2>/dev/null || true
    rm -rf --one-file-system "$root" "$log" "$log.png"
}
trap finish EXIT
chmod 755 "$root"

echo "Unpacking $packages"
debootstrap --variant=minbase --include="$packages" bookworm "$root" >"$log" 2>&1 || { tail "$log" >&2; exit 1; }
install -D --mode 755 "$binary" "$root/usr/local/bin/uae"
mkdir -p "$root/models"
cp -r models/default "$root/models/"

if ldd_output=$(chroot "$root" ldd /usr/local/bin/uae) && ! grep 'not found' <<<"$ldd_output"; then
    echo "All libraries are present: $(awk '{print $1}' <<<"$ldd_output" | paste -sd' ' -)"
else
    echo "Libraries are missing: $ldd_output" >&2
    exit 1
fi

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -o remount,bind,ro "$root"
image=(chroot --userspec "$user" "$root" env --ignore-environment PATH=/usr/local/bin:/usr/bin:/bin "${environment[@]}")

"${image[@]}" uae info >/dev/null
echo "uae info: exit 0"

# OpenBLAS is opened at run time, so ldd says nothing of it; without it this start fails.
"${image[@]}" uae serve --host 127.0.0.1 --port 0 --drain-delay-ms 0 --matrix-products openblas >"$log" 2>&1 &
server=$!
for _ in $(seq 200); do
    address=$(head -n 1 "$log" | grep --only-matching --extended-regexp '127\.0\.0\.1:[0-9]+' | head -n 1 || true)
    [ -z "$address" ] || break
    sleep 0.05
done
[ -n "$address" ] || { cat "$log" >&2; exit 1; }
curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "http://$address/health/ready"
photos=(Tests/Fixtures/data/golden/*/*.jpg)
photo=${photos[0]}
curl --silent --fail --data-binary "@$photo" --output "$log.png" "http://$address/decode"
head -c 4 "$log.png" | grep --quiet --text PNG
curl --silent --fail --data-binary "@$photo" "http://$address/classify?top_k=1"
echo
# shellcheck disable=SC2086  # The command's words, with a free port.
"${image[@]}" $health --url "http://$address/health/ready"
echo "$health: exit 0"

kill -TERM "$server"
wait "$server"
server=
echo "SIGTERM: exit 0. 1 passed, 0 failed"
