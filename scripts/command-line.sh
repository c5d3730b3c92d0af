#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the built `uae` on files, folders, FIFOs and devices, and `uae health` against servers, as
# docs/command-line.md describes them. Results never replace each other or an input, and every failure is one line with
# its exit code.
#   scripts/command-line.sh          UAE_BINARY is the program (.build/release/uae)
set -euo pipefail

cd "$(dirname "$0")/.."
uae=$(realpath "${UAE_BINARY:-.build/release/uae}")
[ -x "$uae" ] || { echo "$uae is not built: run make build" >&2; exit 1; }
photo=$PWD/Tests/Fixtures/data/golden/clip/china.jpg
png=$PWD/Tests/Fixtures/data/golden/dinov2/chelsea.png
export UAE_MODEL=$PWD/models/default
work=$(mktemp -d)
server=
passed=0
failed=0
finish() {
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'echo "FAILED: the script itself, at line $LINENO" >&2' ERR
cd "$work"

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED: $1" >&2
}
check() { if "${@:2}"; then ok; else bad "$1"; fi; }

# runs NAME CODE PATTERN COMMAND...: the command ends by itself with CODE; PATTERN matches its standard error ('': empty).
runs() {
    local name=$1 code=$2 pattern=$3 got=0
    shift 3
    timeout 60 "$@" >lines 2>err || got=$?
    if [ "$got" -ne "$code" ]; then bad "$name: exit $got instead of $code: $(cat err)"; return; fi
    if [ -z "$pattern" ] && [ -s err ]; then bad "$name: $(cat err)"; return; fi
    if ! grep --quiet --extended-regexp -- "$pattern" err && [ -n "$pattern" ]; then
        bad "$name: no '$pattern' in: $(cat err)"
        return
    fi
    ok
}
tree() { (cd "$1" && find . -type f | sort | tr '\n' ' '); }
expect() { if [ "$2" = "$3" ]; then ok; else bad "$1: '$2' instead of '$3'"; fi; }

# A folder: its tree is mirrored, everything is counted, a second run does nothing.
mkdir -p in/sub/deep in/.git
cp "$photo" in/a.jpg
cp "$png" in/sub/a.png
cp "$png" in/sub/deep/A.PNG
cp "$png" in/.git/x.png
echo text >in/notes.txt
echo GIF89a >in/b.gif
mkfifo in/pipe.png
ln -s .. in/sub/up
runs "a folder" 0 "3 done; 2 skipped: other kinds of files \(1 .gif, 1 .txt\); 1 skipped: hidden; 1 skipped: neither" \
    "$uae" encode in -o out
expect "its results" "$(tree out)" "./a.npy ./sub/a.npy ./sub/deep/A.npy "
expect "its lines" "$(sort lines | tr '\n' ' ')" "out/a.npy out/sub/a.npy out/sub/deep/A.npy "
touch -d @1 out/a.npy
runs "a second run" 0 "0 done; 3 skipped: the result exists" "$uae" encode in -o out
expect "a result of the first run" "$(stat -c %Y out/a.npy)" 1
expect "lines of the second run" "$(cat lines)" ""
runs "a run with --overwrite" 0 "3 done" "$uae" encode in -o out --overwrite
check "a result of the run with --overwrite" [ "$(stat -c %Y out/a.npy)" -gt 1 ]
runs "a run in the folder itself" 0 "3 done" "$uae" decode in -o in
runs "a second run in the folder itself" 0 "0 done; 3 skipped: the result exists.*; 3 skipped: results of an earlier run" \
    "$uae" decode in -o in
find in -name '*.decoded.png' -delete

# Names: several files, extensions, collisions.
runs "several files" 0 "2 done" "$uae" encode "$photo" "$png" -o several
expect "their results" "$(tree several)" "./chelsea.npy ./china.npy "
cp "$photo" in/sub/a.jpg
runs "two files with one result" 64 "in/sub/a.jpg and in/sub/a.png have the same result, new/sub/a.npy" \
    "$uae" encode in -o new
check "nothing is written before it is refused" [ ! -e new ]
runs "the same with --keep-extensions" 0 "4 done" "$uae" encode in -o new --keep-extensions
expect "its results" "$(tree new)" "./a.jpg.npy ./sub/a.jpg.npy ./sub/a.png.npy ./sub/deep/A.PNG.npy "
rm in/sub/a.jpg
cp "$png" x.png
sum=$(sha256sum <x.png)
ln x.png hard.png
ln -s x.png link.png
for target in x.png ./x.png hard.png link.png; do
    runs "-o $target, the input" 64 "would replace the input x.png" "$uae" decode x.png -o "$target" --overwrite
done
expect "the input" "$(sha256sum <x.png)" "$sum"
echo old >file
runs "several results for a file" 64 "file takes one result" "$uae" encode x.png "$photo" -o file
runs "several results for standard output" 64 "standard output takes one result" "$uae" encode in -o -

# Formats: the name of the result chooses.
runs "a .jpg" 0 "" "$uae" decode x.png -o y.jpg
expect "its first bytes" "$(head -c 3 y.jpg | od -An -tx1 | tr -d ' ')" ffd8ff
runs "a .png that is to be a JPEG" 64 "y.png is another format than image_format=jpg" \
    "$uae" decode x.png -o y.png -p image_format=jpg
runs "a .gif" 64 "'.gif' is no format" "$uae" decode x.png -o y.gif
# shellcheck disable=SC2016  # For the inner shell.
runs "too small an address space" 71 "not enough memory" \
    bash -c 'ulimit -v 200000; exec "$@"' limited "$uae" encode x.png -o y.npy
runs "an empty -o" 64 "-o is empty" "$uae" decode x.png -o ""
runs "a .npz" 0 "" "$uae" encode x.png -o y.npz
expect "its first bytes" "$(head -c 2 y.npz)" PK
runs "an .svg" 0 "" "$uae" spectrum x.png -o y.svg
check "an .svg is one" grep --quiet '<svg' y.svg
runs "a .json" 0 "" "$uae" spectrum x.png -o y.json
check "a .json is one" grep --quiet '"id":"x.png"' y.json
check "nothing is written before it is refused" [ ! -e y.gif ] && [ ! -e y.png ]

# Levels: a list has a file for each, and one sheet for all.
mkdir levels
runs "a list of levels" 0 "" "$uae" decode --keep 4,16,4 x.png -o levels/
expect "its results" "$(tree levels)" "./x.decoded-keep16.png ./x.decoded-keep4.png "
check "its lines with their figures" [ "$(grep --count --extended-regexp '^levels/x.decoded-keep(4|16).png  psnr=[0-9.]+, ssim=[0-9.]+$' lines)" = 2 ]
runs "one level" 0 "" "$uae" decode --keep 16 x.png -o single.png
check "each file is that of its level alone" cmp --silent single.png levels/x.decoded-keep16.png
touch -d @1 levels/x.decoded-keep4.png
runs "a longer list" 0 "1 done; 2 skipped: the result exists" "$uae" decode -p keep=4,9,16 x.png -o levels
expect "its lines" "$(sed 's/ .*//' lines)" levels/x.decoded-keep9.png
expect "a level that was there" "$(stat -c %Y levels/x.decoded-keep4.png)" 1
runs "the same with --overwrite" 0 "" "$uae" decode -p keep=4,9,16 x.png -o levels --overwrite
check "a level that was there" [ "$(stat -c %Y levels/x.decoded-keep4.png)" -gt 1 ]
runs "levels of a folder" 0 "6 done" "$uae" decode --keep 4,16 in -o levels
runs "a list of one level" 0 "" "$uae" decode --keep '[16]' x.png -o listed.png
check "it is that level" cmp --silent single.png listed.png
runs "a list for one file" 64 "-o new.png is one file, .*layout=sheet" "$uae" decode --keep 4,16 x.png -o new.png
runs "a list for an existing file" 64 "single.png is one file" "$uae" decode --keep 4,16 x.png -o single.png
runs "a list for standard output" 64 "standard output takes one result" "$uae" decode --keep 4,16 x.png -o -
runs "a list from standard input" 64 "standard output takes one result" bash -c "'$uae' decode --keep 4,16 - <x.png"
runs "a list with a level too high" 64 "^uae: bad-parameter: keep" "$uae" decode --keep 4,999 x.png -o levels
runs "--keep and -p keep" 64 "--keep and -p keep=... mean the same" "$uae" decode --keep 4 -p keep=4 x.png
runs "a list with a stray comma" 64 "^uae: bad-parameter: keep" "$uae" decode --keep 4,,16 x.png -o levels
runs "-p mix" 64 "each file is decoded by itself" "$uae" decode -p mix=low:4 x.png x.png
runs "-p with_input" 64 "layout=sheet shows the input" "$uae" decode -p with_input=true x.png
check "nothing is written before it is refused" [ ! -e new.png ]
runs "a sheet" 0 "" "$uae" decode --keep 4,16 -p layout=sheet x.png -o sheet.jpg
expect "its first bytes" "$(head -c 3 sheet.jpg | od -An -tx1 | tr -d ' ')" ffd8ff
runs "a sheet by its own name" 0 "" "$uae" decode --keep 4,16 -p layout=sheet x.png
expect "its name" "$(cat lines)" x.decoded-sheet.png
runs "a level that would replace the input" 64 "would replace the input x.decoded-keep4.png" \
    bash -c "cp x.png x.decoded-keep4.png; '$uae' decode --keep 4,16 x.png x.decoded-keep4.png --overwrite"

# Pipes, FIFOs, devices, links.
expect "standard input and output" "$("$uae" encode - <x.png | head -c 6 | tail -c 5)" NUMPY
"$uae" encode x.png -o - >piped.npy
runs "the same to a file" 0 "" "$uae" encode x.png -o named.npy
check "bytes on standard output are those of the file" cmp --silent piped.npy named.npy
check "-p format=raw on standard output has nothing else" \
    [ "$("$uae" encode - -p format=raw <x.png | wc -c)" -eq $((192 * 14 * 14 * 4)) ]
mkfifo fifo
timeout 60 cat fifo >from-fifo &
runs "a FIFO" 0 "" "$uae" encode x.png -o fifo
wait "$!" || true
check "a FIFO stays one" [ -p fifo ]
check "a FIFO passes the bytes" cmp --silent from-fifo named.npy
# Devices of our own where possible: a program that replaces them would break the machine.
null=/dev/null full=/dev/full
mknod null c 1 3 2>/dev/null && mknod full c 1 7 && { null=null; full=full; }
runs "the null device" 0 "" "$uae" encode x.png -o "$null"
check "it stays a device" [ -c "$null" ]
runs "the full device" 74 "full cannot be written: No space left" "$uae" encode x.png -o "$full"
check "it stays a device" [ -c "$full" ]
mkdir elsewhere
ln -s elsewhere/target.npy to-file
runs "a link" 0 "" "$uae" encode x.png -o to-file
check "a link stays one" [ -L to-file ]
check "the file that it leads to is written" cmp --silent elsewhere/target.npy named.npy
runs "a full standard output" 74 "standard output cannot be written" bash -c "exec '$uae' classify x.png >/dev/full"

# Identifiers and lines.
"$uae" classify in "$photo" 2>/dev/null >lines
expect "identifiers" "$(grep --only-matching '"id":"[^"]*"' lines | tr '\n' ' ')" \
    "\"id\":\"in/a.jpg\" \"id\":\"in/sub/a.png\" \"id\":\"in/sub/deep/A.PNG\" \"id\":\"$photo\" "
mkfifo lines.fifo late.png
"$uae" classify x.png late.png >lines.fifo 2>err &
run=$!
exec 3<lines.fifo
read -r -t 60 -u 3 line || line=
expect "the first line comes before the second file is there" "$(grep --only-matching '"id":"[^"]*"' <<<"$line")" \
    '"id":"x.png"'
cat x.png >late.png
cat <&3 >rest
exec 3<&-
wait "$run"
expect "lines after it" "$(wc -l <rest)" 1

# What cannot be used.
mkdir empty
echo text >empty/a.txt
runs "a folder without images" 65 "0 done; 1 skipped: other kinds of files \(1 .txt\)" "$uae" encode empty -o out
runs "a file that is not there" 66 "none.png cannot be read: No such file" "$uae" encode x.png none.png -o out
echo "no image" >broken.png
runs "a file that is no image" 65 "broken.png: unsupported-media" "$uae" encode broken.png -o out
runs "one of two files" 1 "1 done; 1 failed" "$uae" encode broken.png "$photo" -o other
runs "a parameter that is none" 64 "^uae: unknown-parameter: 'nonsense'" "$uae" encode in -o new2 -p nonsense=1
expect "lines of it" "$(wc -l <err)" 1
runs "a parameter out of range" 64 "^uae: bad-parameter: keep" "$uae" decode in -o new2 -p keep=many
runs "a target in a folder that is not there" 73 "none/y.npy cannot be created: No such file" \
    "$uae" encode in/a.jpg -o none/y.npy
runs "a target below a file" 73 "file/sub cannot be created: Not a directory" "$uae" encode in -o file/sub
expect "lines of it" "$(wc -l <err)" 1
mkdir -p blocked
echo file >blocked/sub
runs "a folder of results that is a file" 73 "blocked/sub.* cannot be created" "$uae" encode in -o blocked
expect "lines that say so" "$(grep --count 'cannot be created' err)" 1
for threads in 0 -3 many 1025; do
    for command in encode decode spectrum classify info serve; do
        files=(x.png)
        case $command in info | serve) files=() ;; esac
        runs "$command --threads=$threads" 64 "threads: expected auto or an integer from 1 to 1024" \
            "$uae" "$command" "--threads=$threads" "${files[@]}"
    done
done

# A run that is killed leaves results or nothing.
mkdir many
for n in $(seq 40); do ln -s "$photo" "many/$n.jpg"; done
for signal in TERM INT KILL; do
    for pause in 0.1 0.3; do
        rm -rf killed
        "$uae" encode many -o killed >/dev/null 2>&1 &
        run=$!
        for _ in $(seq 500); do
            [ -z "$(ls killed 2>/dev/null)" ] || break
            sleep 0.02
        done
        sleep "$pause"
        kill "-$signal" "$run" 2>/dev/null || true
        wait "$run" 2>/dev/null || true
        rest=$(find killed -type f ! -size "$(stat -c %s named.npy)c" -o -name '.*' ! -name . | head)
        expect "files left by SIG$signal" "$rest" ""
    done
done
runs "the run after it" 0 "skipped: the result exists" "$uae" encode many -o killed
expect "results of both" "$(find killed -name '*.npy' | wc -l)" 40

# Settings
"$uae" serve --print-config --threads auto --matrix-products auto --host '[::1]' --max-body-bytes 1MiB >printed.yaml
"$uae" serve --print-config --config printed.yaml >again.yaml
check "the printed settings, read again" cmp --silent printed.yaml again.yaml
expect "settings that were given" \
    "$(grep --extended-regexp '^(threads|matrix-products|host|max-body-bytes):' again.yaml | tr -d '"' | tr '\n' ' ')" \
    "matrix-products: auto host: ::1 threads: auto max-body-bytes: 1048576 "
runs "a file of settings that is not there" 64 "none.yaml: does not exist" "$uae" serve --config none.yaml
UAE_PORT=tcp://10.96.7.1:80 UAE_THREAD=1 \
    runs "a service link" 0 "UAE_PORT is ignored: 'tcp://10.96.7.1:80' is a service link" "$uae" serve --print-config
check "its port" grep --quiet '^port: 8080$' lines
check "a name close to a setting" grep --quiet 'UAE_THREAD is ignored: it is not a setting; similar: UAE_THREADS' err
expect "threads on one CPU" "$(taskset -c 0 "$uae" info | grep --only-matching '"threads":[0-9]*')" '"threads":1'

# Health
# start FLAGS...: starts a server; $port is its port.
start() {
    "$uae" serve --drain-delay-ms 20000 "$@" 2>log &
    server=$!
    for _ in $(seq 600); do
        if grep --quiet 'ready' log || ! kill -0 "$server" 2>/dev/null; then break; fi
        sleep 0.05
    done
    port=$(grep --only-matching --extended-regexp 'http://[^ "]*:[0-9]+' log | head -n 1 | sed 's/.*://' || true)
}
stop() {
    kill -TERM "$server"
    kill -TERM "$server"
    wait "$server" 2>/dev/null || true
    server=
}
runs "health without a server" 1 "^uae: http://127.0.0.1:1/health/ready: 127.0.0.1: Connection refused" "$uae" health --port 1
start --host 127.0.0.1 --port 0
runs "health by --port" 0 "" "$uae" health --port "$port"
UAE_PORT=$port runs "health by UAE_PORT" 0 "" "$uae" health
UAE_HOST=0.0.0.0 UAE_PORT=$port runs "health of all addresses" 0 "" "$uae" health
UAE_HOST=:: UAE_PORT=$port runs "health of all IPv6 addresses" 0 "" "$uae" health
UAE_PORT=$port runs "health of localhost" 0 "" "$uae" health --host localhost
runs "health by --url" 0 "" "$uae" health --url "http://127.0.0.1:$port"
runs "health by --url with /" 0 "" "$uae" health --url "http://127.0.0.1:$port/"
echo "port: $port" >health.yaml
runs "health by --config" 0 "" "$uae" health --config health.yaml
UAE_CONFIG=health.yaml runs "health by UAE_CONFIG" 0 "" "$uae" health
runs "health of another path" 1 "status 404" "$uae" health --url "http://127.0.0.1:$port/none"
kill -TERM "$server"
for _ in $(seq 100); do grep --quiet draining log && break; sleep 0.05; done
runs "health while draining" 1 "status 503: " "$uae" health --url "http://127.0.0.1:$port"
runs "health of / while draining" 1 "status 503: " "$uae" health --url "http://127.0.0.1:$port/"
kill -TERM "$server"
wait "$server" 2>/dev/null || true
server=
if grep --quiet . /proc/net/if_inet6 2>/dev/null; then
    start --host '[::1]' --port 0
    runs "health by --host [::1]" 0 "" "$uae" health --host '[::1]' --port "$port"
    runs "health by --url with an IPv6 address" 0 "" "$uae" health --url "http://[::1]:$port"
    stop
fi
start --unix-socket "$work/socket"
UAE_UNIX_SOCKET=$work/socket runs "health by UAE_UNIX_SOCKET" 0 "" "$uae" health
stop
runs "health of a socket without a server" 1 "^uae: unix:" "$uae" health --unix-socket "$work/socket"
runs "health of port 0" 64 "any free one" "$uae" health --port 0
python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(20)' >silent &
silent=$!
for _ in $(seq 100); do [ ! -s silent ] || break; sleep 0.05; done
runs "health of a server that never responds" 1 "no response within" "$uae" health --port "$(cat silent)"
kill "$silent"

echo "$passed passed, $failed failed"
exit $((failed > 0))
