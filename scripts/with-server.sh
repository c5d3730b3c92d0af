#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Starts the built server on a free port, runs a command with its address in UAE_URL and its process in
# UAE_PID, and ends the server with SIGTERM.
# Fails if the command fails, the server does not become ready, or it does not exit 0.
#   scripts/with-server.sh COMMAND [ARGUMENT ...]
# UAE_BINARY is the server (.build/release/uae), UAE_MODEL the model folder (models/default), UAE_FLAGS further flags.
set -euo pipefail

cd "$(dirname "$0")/.."
binary=${UAE_BINARY:-.build/release/uae}
model=${UAE_MODEL:-models/default}
[ -x "$binary" ] || { echo "$binary is not built: run make build" >&2; exit 1; }

log=$(mktemp)
# shellcheck disable=SC2086  # UAE_FLAGS is a list of words.
"$binary" serve --model "$model" --host 127.0.0.1 --port 0 --drain-delay-ms 100 ${UAE_FLAGS:-} >"$log" 2>&1 &
server=$!
finish() {
    kill -KILL "$server" 2>/dev/null || true
    rm -f "$log"
}
trap finish EXIT

fail() {
    echo "$1; the server's log ends:" >&2
    tail -n 40 "$log" >&2
    exit 1
}

# The first log line, text or JSON, has the address.
address=
for _ in $(seq 600); do
    address=$(head -n 1 "$log" | grep --only-matching --extended-regexp '127\.0\.0\.1:[0-9]+' | head -n 1 || true)
    [ -z "$address" ] || break
    kill -0 "$server" 2>/dev/null || fail "The server ended before it listened"
    sleep 0.05
done
[ -n "$address" ] || fail "The first log line names no address"
export UAE_URL=http://$address UAE_PID=$server

curl --silent --output /dev/null --fail --retry 120 --retry-delay 1 --retry-all-errors --max-time 180 \
    "$UAE_URL/health/ready" || fail "The server did not become ready"

status=0
"$@" || status=$?

kill -0 "$server" 2>/dev/null || fail "The server did not survive"
kill -TERM "$server"
ended=0
wait "$server" || ended=$?
[ "$ended" -eq 0 ] || fail "After SIGTERM the server exited with $ended"
exit "$status"
