#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that the build and the tests need. It needs root only if packages are missing.
# libopenblas-dev has the header for the build and the library that --matrix-products openblas opens at run time.
# Arguments name further packages. The Dockerfile's build stage runs this script too, so this is the only list.
set -euo pipefail

packages=(libopenblas-dev libfftw3-dev libjpeg62-turbo-dev libnghttp2-dev libspng-dev libwebp-dev zlib1g-dev "$@")

if ! command -v dpkg-query >/dev/null; then
    echo "This needs Debian 12 or a derivative; elsewhere install the equivalents of: ${packages[*]}" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "As root, run: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi

echo "Installing ${missing[*]}"
install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}"
}
# Only a machine without package lists, or with outdated ones, needs an update.
install >/dev/null 2>&1 || {
    "${as_root[@]}" apt-get update --quiet=2
    install >/dev/null
}
