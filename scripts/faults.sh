#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Faults around the server: an unusable model, a port in use, no descriptors, no memory, a full disk, a worker that hangs
# or crashes, signals in every phase. The server must survive each fault, or end with one clear line and an exit code;
# docs/operations.md lists the codes.
#   scripts/faults.sh          UAE_BINARY is the server (.build/release/uae)
set -euo pipefail

cd "$(dirname "$0")/.."
binary=$(realpath "${UAE_BINARY:-.build/release/uae}")
[ -x "$binary" ] || { echo "$binary is not built: run make build" >&2; exit 1; }
photo=Tests/Fixtures/data/golden/clip/china.jpg
work=$(mktemp -d)
log=$work/log
# Flags override it. Without backtraces a crash ends the process at once, as in the container, which cannot print them.
export UAE_PORT=0 UAE_DRAIN_DELAY_MS=0 SWIFT_BACKTRACE=enable=no
server=
passed=0
failed=0
finish() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'echo "FAILED: the script itself, at line $LINENO" >&2' ERR

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED: $1; the log ends:" >&2
    tail -n 5 "$log" >&2
}

# ends NAME CODE PATTERN COMMAND...: the command ends by itself with CODE, one of its lines matches, and it did not crash.
ends() {
    local name=$1 code=$2 pattern=$3 status=0
    shift 3
    timeout 60 "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne "$code" ]; then bad "$name: exit $status instead of $code"; return; fi
    if ! grep --quiet --extended-regexp --ignore-case "$pattern" "$log"; then bad "$name: no line '$pattern'"; return; fi
    if grep --quiet --ignore-case 'fatal error\|stack dump\|crash' "$log"; then bad "$name: it crashed"; return; fi
    ok
}

launch=("$binary")
# start FLAGS...: starts a server in the background; $url is its address. `ready` waits until it is ready.
start() {
    : >"$log"
    "${launch[@]}" serve "$@" 2>"$log" &
    server=$!
    for _ in $(seq 400); do
        url=$(grep --only-matching --extended-regexp 'http://[0-9.]+:[0-9]+' "$log" | head -n 1 || true)
        [ -z "$url" ] || return 0
        kill -0 "$server" 2>/dev/null || return 0
        sleep 0.02
    done
}
status_of() { curl --silent --output /dev/null --max-time 20 --write-out '%{http_code}' "$@" || true; }
ready() {
    for _ in $(seq 1000); do
        [ "$(status_of "$url/health/ready")" = 200 ] && return 0
        sleep 0.02
    done
}
# exits NAME CODES: the server ends with one of CODES, by itself or by the signal before.
exits() {
    local status=0
    for _ in $(seq 1500); do
        kill -0 "$server" 2>/dev/null || break
        sleep 0.02
    done
    kill -KILL "$server" 2>/dev/null && bad "$1: it does not end"
    wait "$server" 2>/dev/null || status=$?
    server=
    if [[ " $2 " == *" $status "* ]]; then ok; else bad "$1: exit $status instead of $2"; fi
}
expect() { if [ "$2" = "$3" ]; then ok; else bad "$1: $2 instead of $3"; fi; }

# Settings and files
ends "unknown setting" 64 "uae serve --help" "$binary" serve --no-such-thing 1
ends "setting out of range" 64 "." "$binary" serve --port 65536
ends "key file that is not there" 66 "API keys cannot be read" "$binary" serve --port 0 --api-key-file "$work/none"
echo "# nothing" >"$work/keys"
ends "key file without keys" 66 "has no API key" "$binary" serve --port 0 --api-key-file "$work/keys"

# Models
ends "no model folder" 65 "the model cannot be loaded" "$binary" serve --port 0 --model "$work/none"
cp -r models/default "$work/model"
weights=$(find "$work/model" -name '*.safetensors' -size +1M | head -n 1)
cp "$weights" "$work/weights"
for size in 0 4 100 100000 $(($(stat -c %s "$weights") - 1)); do
    head -c "$size" "$work/weights" >"$weights"
    ends "weights cut at $size" 65 "the model cannot be loaded" "$binary" serve --port 0 --model "$work/model"
done
rm "$weights"
ends "weights missing" 65 "the model cannot be loaded" "$binary" serve --port 0 --model "$work/model"
mkdir "$weights"
ends "weights that are a folder" 65 "the model cannot be loaded" "$binary" serve --port 0 --model "$work/model"
rmdir "$weights"
cp "$work/weights" "$weights"
if [ "$(id -u)" -ne 0 ]; then
    chmod 000 "$weights"
    ends "weights that may not be read" 65 "the model cannot be loaded" "$binary" serve --port 0 --model "$work/model"
    chmod 644 "$weights"
fi
# One weight becomes NaN (the exponent's bits all set); a file is what Git leaves without Git LFS; sizes beyond the machine.
small=$work/small
spoil() { rm -rf "$small"; cp -r Tests/Fixtures/data/golden/dinov2/model "$small"; }
serves_small=("$binary" serve --port 0 --model "$small")
spoil
size=$(stat --format %s "$small/model.safetensors")
printf '\377\377\377\377' | dd of="$small/model.safetensors" bs=1 seek=$((size - 4)) conv=notrunc status=none
ends "a weight that is NaN" 65 "the tensor [a-z_.0-9]+ is nan at index" "${serves_small[@]}"
for file in config.json model.safetensors stats.safetensors; do
    spoil
    printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n' >"$small/$file"
    ends "a Git LFS pointer as $file" 65 "$file: .*git lfs pull" "${serves_small[@]}"
done
spoil
sed -i 's/"image_side": 256/"image_side": 10/' "$small/config.json"
ends "an image side below SSIM's window" 65 "image_side is 10, must be within 11" "${serves_small[@]}"
spoil
ends "labels without a head" 65 "without a classification head" "${serves_small[@]}" --labels README.md
ends "head of another size" 65 "the model cannot be loaded" "$binary" serve --port 0 \
    --head Tests/Fixtures/data/golden/dinov2/model/stats.safetensors
ends "head that is no safetensors" 65 "the model cannot be loaded" "$binary" serve --port 0 --head LICENSE

# Addresses
start
ready
ends "port in use" 69 "cannot listen on" "$binary" serve --port "${url##*:}"
kill -TERM "$server"
exits "SIGTERM while serving" 0
ends "address of another machine" 69 "." "$binary" serve --port 0 --host 192.0.2.1
ends "address that is none" 69 "is not an address" "$binary" serve --port 0 --host no.such.host.invalid
ends "path of a socket too long" 69 "longer than" "$binary" serve --unix-socket "/tmp/$(printf 'x%.0s' $(seq 200))"
ends "socket in a folder that is not there" 69 "cannot listen on" "$binary" serve --unix-socket "$work/none/socket"
ends "socket where a file is" 69 "not a socket" "$binary" serve --unix-socket "$work/keys"
ends "group that is not there" 69 "no group" "$binary" serve --unix-socket "$work/socket" --unix-socket-group no-such-group
ends "mode that is none" 64 "octal" "$binary" serve --unix-socket "$work/socket" --unix-socket-mode 0999

# Unix sockets
live() { status_of --unix-socket "$1" http://a/health/live; }
# listens SOCKET COMMAND...: starts a server in the background and waits until it serves the socket.
listens() {
    local socket=$1
    shift
    "$@" 2>"$work/socket.log" &
    server=$!
    for _ in $(seq 400); do
        [ "$(live "$socket")" != 200 ] || return 0
        kill -0 "$server" 2>/dev/null || return 0
        sleep 0.02
    done
}
served=("$binary" serve --unix-socket "$work/socket" --unix-socket-mode 0660)
listens "$work/socket" "${served[@]}"
ends "socket of a live server" 69 "another process listens" "${served[@]}"
expect "the live server beside it" "$(live "$work/socket")" 200
expect "the socket's mode" "$(stat -c %a "$work/socket")" 660
kill -KILL "$server"
exits "SIGKILL that leaves the socket behind" 137
listens "$work/socket" "${served[@]}"
expect "served where a crash left a socket" "$(live "$work/socket")" 200
kill -TERM "$server"
exits "SIGTERM on a Unix socket" 0
expect "the socket once its server has ended" "$(ls "$work/socket" 2>/dev/null)" ""

# Sockets that another process has opened
cat >"$work/activate.py" <<'PYTHON'
import os, socket, sys
binary, path = sys.argv[1:]
unix = socket.socket(socket.AF_UNIX)
unix.bind(path)
tcp = socket.create_server(("127.0.0.1", 0))
held = []
for one in (unix, tcp):
    one.listen()
    # Out of the way of 3 and 4.
    held.append(os.dup(one.fileno()) if one.fileno() > 4 else os.dup2(one.fileno(), 50 + one.fileno()))
for number, one in enumerate(held, 3):
    os.dup2(one, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2")
os.execv(binary, [binary, "serve"])
PYTHON
listens "$work/given" python3 "$work/activate.py" "$binary" "$work/given"
expect "served on a Unix socket that was passed on" "$(live "$work/given")" 200
port=$(sed -n 's/.*http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/socket.log" | head -n 1)
expect "served on a TCP socket that was passed on" "$(status_of "http://127.0.0.1:$port/health/live")" 200
kill -TERM "$server"
exits "SIGTERM with sockets that were passed on" 0
expect "the file of a socket that was passed on" "$(ls "$work/given")" "$work/given"
# shellcheck disable=SC2016  # For the inner shell.
ends "a descriptor that does not listen" 69 "LISTEN_FDS" \
    bash -c 'exec 3</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$1" serve' activate "$binary"
if command -v systemd-socket-activate >"$work/path"; then
    # It starts the server at the first connection.
    listens "$work/systemd" systemd-socket-activate --listen="$work/systemd" "$binary" serve
    expect "served under systemd-socket-activate" "$(live "$work/systemd")" 200
    kill -TERM "$server"
    exits "SIGTERM under systemd-socket-activate" 0
fi

# Descriptors
# shellcheck disable=SC2016  # For the inner shell.
limited=(bash -c 'ulimit "$1" "$2"; shift 2; exec "$@"' limited)
ends "few descriptors" 71 "descriptors" "${limited[@]}" -n 16 "$binary" serve --port 0
launch=("${limited[@]}" -n 40 "$binary")
start
launch=("$binary")
ready
python3 - "${url##*:}" <<'PYTHON' && ok || bad "few descriptors: other clients are not served once descriptors are free"
import socket, sys, time
port = int(sys.argv[1])
held = [socket.create_connection(("127.0.0.1", port)) for _ in range(60)]
time.sleep(0.5)
for one in held:
    one.close()
last = socket.create_connection(("127.0.0.1", port), timeout=10)
last.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
sys.exit(not last.recv(100).startswith(b"HTTP/1.1 200"))
PYTHON
kill -TERM "$server"
exits "SIGTERM after a lack of descriptors" 0

# Memory
for megabytes in 200 300 400; do
    ends "address space of $megabytes MB" 71 "memory" "${limited[@]}" -v $((megabytes * 1024)) "$binary" serve --port 0
done

# Memory that runs out while the server runs: large requests are refused, small ones are served; once memory is free, all
# are served.
start
ready
# All threads start before the limit is set.
for _ in 1 2 3 4 5 6 7 8; do status_of --data-binary "@$photo" "$url/encode" >"$work/status" & done
sleep 1
size=$(awk '$1 == "VmSize:" { print $2 * 1024 }' "/proc/$server/status")
# Only the soft limit, which may be raised again.
prlimit --pid "$server" --as=$((size + (100 << 20))): || bad "the memory limit is not set"
head -c $((60 << 20)) /dev/zero >"$work/large"
python3 - "$work/large.png" <<'PYTHON'
import pathlib, struct, sys, zlib
def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8000, 8000, 8, 0, 0, 0, 0))
rows = chunk(b"IDAT", zlib.compress(bytes(8001) * 8000))
pathlib.Path(sys.argv[1]).write_bytes(b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b""))
PYTHON
for turn in 1 2 3; do
    expect "a body without memory, $turn" "$(status_of --data-binary "@$work/large" "$url/encode")" 503
    expect "an image without memory, $turn" "$(status_of --data-binary "@$work/large.png" "$url/encode")" 503
    expect "a small image beside them, $turn" "$(status_of --data-binary "@$photo" "$url/encode")" 200
done
# A page of 30 MB, from a body of a few.
prlimit --pid "$server" --as=$((size + (40 << 20))): || bad "the memory limit is not set"
items=()
for _ in $(seq 64); do items+=(-F "file=@$photo"); done
expect "a contact sheet without memory" "$(status_of "${items[@]}" "$url/decode?layout=sheet")" 503
expect "a small image beside it" "$(status_of --data-binary "@$photo" "$url/encode")" 200
# Less than the headroom that the server keeps free.
prlimit --pid "$server" --as=$((size + (8 << 20))): || bad "the memory limit is not set"
head -c 1000000 /dev/zero >"$work/megabyte"
uploads=()
for _ in $(seq 150); do
    status_of --limit-rate 500k --data-binary "@$work/megabyte" "$url/encode" >>"$work/statuses" &
    uploads+=($!)
done
wait "${uploads[@]}"
expect "a hundred and fifty bodies at once without memory" \
    "$(grep --only-matching '...' "$work/statuses" | sort --unique | tr '\n' ' ')" "503 "
expect "an image of a few kilobytes beside them" \
    "$(status_of --data-binary @Tests/Fixtures/data/pictures/420.jpg "$url/encode")" 200
prlimit --pid "$server" --as=unlimited: || bad "the memory limit is not lifted"
expect "a large body once there is memory" "$(status_of --data-binary "@$work/large" "$url/encode")" 415
expect "a large image once memory is free" "$(status_of --data-binary "@$work/large.png" "$url/encode")" 200
expect "a contact sheet once memory is free" "$(status_of "${items[@]}" "$url/decode?layout=sheet")" 200
kill -TERM "$server"
exits "SIGTERM after a lack of memory" 0

# A log that cannot be written
start
kill -KILL "$server"
wait "$server" 2>/dev/null || true
"$binary" serve --port "${url##*:}" 2>/dev/full &
server=$!
ready
expect "served while the log's disk is full" "$(status_of --data-binary "@$photo" "$url/encode")" 200
kill -TERM "$server"
exits "SIGTERM while the log's disk is full" 0
"$binary" serve --port "${url##*:}" 2>&- &
server=$!
ready
expect "served without standard error" "$(status_of --data-binary "@$photo" "$url/encode")" 200
expect "what stands in for standard error" "$(readlink "/proc/$server/fd/2")" "/dev/null"
kill -TERM "$server"
exits "SIGTERM without standard error" 0
# A pipe that nobody reads, held open by this script: far more lines than it and the queue hold.
mkfifo "$work/pipe"
for signal in TERM ILL; do
    exec 4<>"$work/pipe"
    "$binary" serve --port "${url##*:}" 2>"$work/pipe" &
    server=$!
    ready
    curl --silent --output /dev/null --max-time 60 "$url/nothing/[1-8000]" || bad "requests stop while nobody reads the log"
    expect "live while nobody reads the log" "$(status_of "$url/health/live")" 200
    expect "served while nobody reads the log" "$(status_of --data-binary "@$photo" "$url/encode")" 200
    curl --silent --max-time 10 "$url/metrics" >"$work/metrics" || true
    if grep --quiet '^uae_log_lines_dropped_total [1-9]' "$work/metrics"; then ok; else bad "no dropped lines are counted"; fi
    kill "-$signal" "$server"
    exits "SIG$signal while nobody reads the log" "$([ "$signal" = TERM ] && echo 0 || echo 132)"
    exec 4<&-
done
# A reader that goes away.
exec 4<>"$work/pipe"
"$binary" serve --port "${url##*:}" 2>"$work/pipe" &
server=$!
ready
exec 4<&-
expect "served once the log's reader has gone" "$(status_of --data-binary "@$photo" "$url/encode")" 200
expect "live once the log's reader has gone" "$(status_of "$url/health/live")" 200
kill -TERM "$server"
exits "SIGTERM once the log's reader has gone" 0

# The admin port: served while the other is at its limit, and while the service drains.
echo a-key >"$work/keys"
start --admin-port 0 --max-connections 1 --drain-delay-ms 60000 --api-key-file "$work/keys"
admin=$(grep --only-matching 'admin_address=[^ ]*' "$log" | cut -d= -f2)
for _ in $(seq 1000); do [ "$(status_of "$admin/health/ready")" = 200 ] && break || sleep 0.02; done
python3 - "${url##*:}" "$admin" <<'PYTHON' && ok || bad "the admin port does not respond while the other is at its limit"
import socket, sys, urllib.request
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(30)]
for path in "/health/live", "/health/ready", "/metrics":
    assert urllib.request.urlopen(sys.argv[2] + path, timeout=5).status == 200
PYTHON
expect "no operation at the admin port" "$(status_of --data-binary "@$photo" "$admin/encode")" 404
kill -TERM "$server"
sleep 0.2
expect "ready at the admin port while draining" "$(status_of "$admin/health/ready")" 503
expect "metrics at the admin port while draining" "$(status_of "$admin/metrics")" 200
kill -TERM "$server"
exits "second SIGTERM with an admin port" 143

# A worker that hangs: a batch far longer than the watchdog allows
start --watchdog-ms 600 --max-batch-size 1024 --max-queue-items 1024 --max-client-items 512 --threads 1
ready
forms=()
for _ in $(seq 200); do forms+=(--form "f=@$photo"); done
curl --silent --max-time 30 "${forms[@]}" "$url/decode" --output "$work/response" --write-out '%{http_code}' >"$work/code" &
request=$!
seen=
for _ in $(seq 500); do
    seen=$(status_of "$url/health/ready")
    [ "$seen" = 200 ] || break
    sleep 0.01
done
expect "ready while the worker hangs" "$seen" 503
wait "$request" || true
expect "a hanging worker's request" "$(cat "$work/code")" 503
if grep --quiet worker-unhealthy "$work/response"; then ok; else bad "a hanging worker's problem"; fi
exits "a worker that hangs on" 70
if grep --quiet 'hung for' "$log"; then ok; else bad "no line says that the worker hung"; fi

# Crashes and signals
start
ready
port=${url##*:}
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n' >&3
kill -ILL "$server"
expect "a request when the process traps" "$(cat <&3 | head -c 1)" ""
exec 3<&-
exits "a trap" 132
expect "lines that say that it crashed" "$(grep --count 'the process crashed' "$log")" 1
start --port "$port" --log-format json
ready
expect "served once it is started anew, at the same address" "$(status_of "http://127.0.0.1:$port/health/ready")" 200
kill -ABRT "$server"
exits "an abort" 134
expect "lines of JSON that say that it crashed" "$(grep --count '^{.*the process crashed' "$log")" 1

slowest=0
# Loading takes seconds; the signal comes at its beginning, in its middle, and twice.
for pause in 0 0.05 0.2 0.5; do
    for signals in TERM INT "TERM TERM" "INT INT"; do
        start --warmup-batch 64
        sleep "$pause"
        begun=$(date +%s%N)
        for signal in $signals; do kill "-$signal" "$server" 2>/dev/null || true; done
        case $signals in
        *" TERM") exits "$signals while loading, after $pause s" "0 143" ;;
        *" INT") exits "$signals while loading, after $pause s" "0 130" ;;
        *) exits "$signals while loading, after $pause s" 0 ;;
        esac
        took=$((($(date +%s%N) - begun) / 1000000))
        [ "$took" -le "$slowest" ] || slowest=$took
        [ "$took" -lt 2000 ] && ok || bad "$signals while loading, after $pause s: it took $took ms"
    done
done
echo "faults: a signal while loading ended the process within $slowest ms"
# Before the handler is installed, a signal ends the process by default.
for pause in 0 0.005 0.01 0.02 0.04; do
    "$binary" serve --port 0 2>"$log" &
    server=$!
    sleep "$pause"
    kill -TERM "$server"
    exits "SIGTERM $pause s after the start" "0 143"
done
start --drain-delay-ms 60000
ready
kill -TERM "$server"
sleep 0.2
expect "ready while draining" "$(status_of "$url/health/ready")" 503
expect "served while draining" "$(status_of --data-binary "@$photo" "$url/encode")" 200
kill -TERM "$server"
exits "second SIGTERM while draining" 143
start --drain-delay-ms 60000
ready
kill -INT "$server"
sleep 0.2
kill -INT "$server"
exits "second SIGINT while draining" 130
start
ready
kill -HUP "$server"
sleep 0.2
expect "served after SIGHUP" "$(status_of "$url/health/live")" 200
exec 3<>"/dev/tcp/127.0.0.1/${url##*:}"
printf 'POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n' >&3
# The head is read before the signal.
sleep 0.2
kill -TERM "$server"
sleep 0.3
printf '0123456789' >&3 || true
expect "a request that was begun before SIGTERM" "$(head -n 1 <&3 | cut -d' ' -f2)" 415
exec 3<&-
exits "SIGTERM with a request under way" 0
for signals in TERM "TERM TERM"; do
    start --drain-timeout-ms 500
    ready
    exec 3<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf 'POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n' >&3
    sleep 0.2
    for signal in $signals; do
        kill "-$signal" "$server"
        sleep 0.1
    done
    case $signals in
    TERM) exits "SIGTERM with a request that never ends" 0 ;;
    *) exits "second SIGTERM with a request under way" 143 ;;
    esac
    exec 3<&-
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
