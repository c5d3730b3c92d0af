#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Attacks a running server with the suites of scripts/torture, and with schemathesis, which sends valid and invalid
# requests. Each suite prints its counts at the end, and so does the script. `slow` needs a server with short timeouts:
# see the Makefile.
#   scripts/with-server.sh scripts/torture.sh [SUITE ...]      suites: http1 http2 pictures bodies neighbours slow
#   slowhttptest soak schemathesis
set -euo pipefail

cd "$(dirname "$0")/.."
: "${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}"
environment=$(scripts/python-environment.sh scripts/torture/requirements.txt .build/torture-python)
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(http1 http2 pictures bodies neighbours schemathesis)
export PYTHONDONTWRITEBYTECODE=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0
failed=0
for suite in "${suites[@]}"; do
    if [ "$suite" = schemathesis ]; then
        if scripts/schemathesis.sh --mode all >"$log" 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            cat "$log"
        fi
        grep --text 'generated' "$log" | tail -n 1 || true
        continue
    fi
    # The counts are in the last line; a suite that ends without them counts as one failure.
    case $suite in
    slowhttptest) scripts/slowhttptest.sh 2>&1 | tee "$log" || true ;;
    *) "$environment/bin/python" "scripts/torture/$suite.py" 2>&1 | tee "$log" || true ;;
    esac
    counts=$(sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    read -r ok bad <<<"${counts:-0 1}"
    passed=$((passed + ok))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
