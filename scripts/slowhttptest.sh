#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the four attacks of slowhttptest (Debian's package) on a running server, each with a thousand connections: heads
# that never end, bodies that never end, responses read very slowly, overlapping ranges. A case passes if its probes are
# served throughout. If the program is not installed, the script prints a line and runs nothing.
#   UAE_URL=http://127.0.0.1:8080 scripts/slowhttptest.sh        ATTACK_SECONDS is the duration of each (20)
set -euo pipefail

cd "$(dirname "$0")/.."
: "${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}"
command -v slowhttptest >/dev/null || {
    echo "slowhttptest is not installed: skipped"
    echo "slowhttptest: 0 passed, 0 failed"
    exit 0
}
seconds=${ATTACK_SECONDS:-20}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0

# attack NAME OPTIONS...
attack() {
    local name=$1
    shift
    # A thousand connections at 300 a second; probes that wait at most 3 s.
    slowhttptest -c 1000 -r 300 -l "$seconds" -p 3 "$@" >"$log" 2>&1 </dev/null || true
    # Removes colours. slowhttptest prints its status every five seconds.
    sed -i 's/\x1b\[[0-9;]*[A-Za-z]//g' "$log"
    local probes unserved
    probes=$(grep --count 'service available' "$log" || true)
    unserved=$(grep --count 'service available: *NO' "$log" || true)
    local last
    last=$(grep --extended-regexp '^(connected|error|closed|pending):' "$log" | tail -n 4 | tr -s ' \n' ' ')
    if [ "$probes" -gt 0 ] && [ "$unserved" -eq 0 ]; then
        passed=$((passed + 1))
        echo "slowhttptest: $name: $probes of $probes probes served; at the end $last"
    else
        failed=$((failed + 1))
        echo "FAILED slowhttptest: $name: $unserved of $probes probes not served; at the end $last"
    fi
}

attack "slow heads" -H -i 1 -u "$UAE_URL/encode" -x 24
attack "slow bodies" -B -i 1 -s 8192 -u "$UAE_URL/encode" -x 10
attack "slow readers" -X -k 3 -n 1 -z 32 -w 10 -y 20 -u "$UAE_URL/openapi.yaml"
attack "ranges" -R -a 10 -b 3000 -u "$UAE_URL/openapi.yaml"
echo "slowhttptest: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
