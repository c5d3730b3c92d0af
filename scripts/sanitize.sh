#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests of what reads strangers' bytes under the address and the undefined-behaviour sanitizers (the latter for
# the C code; Swift checks itself).
#   scripts/sanitize.sh [TEST FILTER]
# Memory that is never given back is not looked for: Swift's runtime keeps its metadata to the end.
set -euo pipefail

cd "$(dirname "$0")/.."
filter=${1:-HTTPWireTests|SocketServerTests|InferenceQueueTests|ImageCodecTests|TensorFilesTests}
ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
    swift test --configuration release --scratch-path .build-sanitize --disable-xctest --disable-testable-imports \
    --sanitize address -Xcc -fsanitize=undefined --filter "$filter"
