#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes the parsers of untrusted bytes (fuzz/targets/FuzzTarget.swift) with libFuzzer and the address sanitizer.
#   scripts/fuzz.sh SECONDS [TARGET ...]
# The seeds in fuzz/corpus do not change; new inputs are added to .build-fuzz/corpus. A finding is saved in
# .build-fuzz/findings: add a test for it beside the code that it breaks.
set -euo pipefail

cd "$(dirname "$0")/.."
seconds=${1:?how long each target runs, in seconds}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(http1 http2 target multipart json npy npz safetensors torch jpeg png webp request)

# Coverage for every module; lld, because gold fails on the sanitizer's debugging information.
# Swift's default coverage, guards, is not read by current libFuzzer, so LLVM is told to emit counters.
flags=(-use-ld=lld -sanitize=fuzzer,address)
for option in inline-8bit-counters pc-table; do flags+=(-Xllvm "-sanitizer-coverage-$option"); done
# shellcheck disable=SC2046  # Words without spaces.
UAE_FUZZ=1 swift build --configuration release --scratch-path .build-fuzz --product uae-fuzz \
    $(printf -- "-Xswiftc %s " "${flags[@]}") -Xcc -fsanitize=fuzzer-no-link,address
binary=.build-fuzz/release/uae-fuzz
mkdir -p .build-fuzz/findings

passed=0
failed=0
for target in "${targets[@]}"; do
    mkdir -p ".build-fuzz/corpus/$target"
    log=.build-fuzz/$target.log
    if UAE_FUZZ_TARGET=$target ASAN_OPTIONS=detect_leaks=0 "$binary" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -max_len=16384 -artifact_prefix=".build-fuzz/findings/$target-" -print_final_stats=1 \
        ".build-fuzz/corpus/$target" "fuzz/corpus/$target" >"$log" 2>&1; then
        passed=$((passed + 1))
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "$target: $runs runs in $seconds s, $(grep --only-matching 'cov: [0-9]*' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "FAILED $target:"
        grep --text -A 12 'ERROR\|Fatal error\|SUMMARY' "$log" | head -n 40 || tail -n 20 "$log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
