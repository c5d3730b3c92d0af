#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts the built server under each value of --matrix-products, and checks that OpenBLAS is mapped where /info says that
# it multiplies, and only there. Under `openblas` the smoke test runs too, on x86-64 also with OpenBLAS's kernels for two
# older processors: a batch must equal its singles with all of them.
#   scripts/matrix-products.sh
set -euo pipefail

cd "$(dirname "$0")/.."
binary=${UAE_BINARY:-.build/release/uae}

# check SETTING, with the server's address in UAE_URL and its process in UAE_PID.
check() {
    local info product mapped=no expected=no
    info=$(curl --silent --show-error --fail "$UAE_URL/info")
    product=$(sed -n 's/.*"matrix_products": *{"product": *"\([a-z]*\)".*/\1/p' <<<"$info")
    [ "$1" = auto ] || [ "$1" = "$product" ] || { echo "$1: /info says '$product'" >&2; return 1; }
    # A trial needs the library, whichever product wins it.
    [ "$1" = packed ] || expected=yes
    if grep --quiet libopenblas "/proc/$UAE_PID/maps"; then mapped=yes; fi
    [ "$mapped" = "$expected" ] || { echo "$1: OpenBLAS mapped: $mapped, expected: $expected" >&2; return 1; }
    echo "$1: $product multiplies, OpenBLAS mapped: $mapped"
}
if [ "${1:-}" = check ]; then
    check "$2"
    exit
fi

if ldd "$binary" | grep openblas; then
    echo "$binary is linked to OpenBLAS" >&2
    exit 1
fi
echo "$binary is not linked to OpenBLAS"
for setting in packed openblas auto; do
    UAE_FLAGS="--matrix-products $setting" scripts/with-server.sh scripts/matrix-products.sh check "$setting"
done
kernels=("")
[ "$(uname -m)" != x86_64 ] || kernels+=(Haswell Nehalem)
for core in "${kernels[@]}"; do
    echo "smoke test under openblas${core:+, kernels for $core}"
    OPENBLAS_CORETYPE=$core UAE_FLAGS="--matrix-products openblas" scripts/with-server.sh scripts/smoke.sh
done
