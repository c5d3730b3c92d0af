#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests under sanitizers: all tests under the address and undefined-behaviour sanitizers (the latter for the C
# code only), and the tests of the server and the compute team under the thread sanitizer.
#   scripts/sanitize.sh [address|thread] [TEST FILTER]     both, one after the other, by default
# UAE_SANITIZE_PATH is where the builds are kept (.build-sanitize).
set -euo pipefail

cd "$(dirname "$0")/.."
scratch=${UAE_SANITIZE_PATH:-.build-sanitize}
threaded='SocketServerTests|HTTPWireTests|InferenceQueueTests|ServiceTests|ComputeTeamTests'
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# tests SANITIZER FILTER SWIFT_FLAGS...
tests() {
    local sanitizer=$1 filter=$2 status=0
    shift 2
    # lld, because gold fails on the sanitizers' debugging information.
    swift test --configuration release --scratch-path "$scratch-$sanitizer" --disable-xctest \
        --disable-testable-imports --sanitize "$sanitizer" -Xswiftc -use-ld=lld "$@" --filter "$filter" \
        >"$log" 2>&1 || status=$?
    grep --text '[✔✘] Suite .*\(passed\|failed\)' "$log" | sed 's/^[^A-Z]*//' || true
    if [ "$status" -ne 0 ]; then
        grep --text -A 40 'ERROR: AddressSanitizer\|WARNING: ThreadSanitizer\|runtime error' "$log" | head -n 60 || true
        grep --text 'recorded an issue\|error:' "$log" | head -n 20 || tail -n 20 "$log"
    fi
    echo "$sanitizer: $(grep --text --only-matching 'Test run with .*' "$log" || echo 'the tests did not end')"
    [ "$status" -eq 0 ] && grep --text --quiet 'Test run with .* passed' "$log"
}

address() {
    # Leaks are not reported: Swift's runtime keeps its metadata until exit. One test requests more memory than exists
    # and expects the allocator to return null.
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        tests address "${1:-.}" -Xcc -fsanitize=undefined
}

thread() {
    TSAN_OPTIONS=suppressions=$PWD/scripts/thread-sanitizer.txt UAE_SANITIZE_THREADS=1 \
        tests thread "${1:-$threaded}"
}

case ${1:-both} in
address | thread) "$@" ;;
both)
    failed=0
    address || failed=1
    thread || failed=1
    exit "$failed"
    ;;
*)
    echo "usage: scripts/sanitize.sh [address|thread] [TEST FILTER]" >&2
    exit 64
    ;;
esac
