#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests every route of a running server with curl, with the photos of the fixtures. Checks statuses, media types and
# first bytes, and that one route reads what another writes.
#   scripts/with-server.sh scripts/smoke.sh        or        UAE_URL=http://127.0.0.1:8080 scripts/smoke.sh
set -euo pipefail

cd "$(dirname "$0")/.."
url=${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}
photos=(Tests/Fixtures/data/golden/*/*.jpg Tests/Fixtures/data/golden/*/*.png)
photo=${photos[0]}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED: $1" >&2
}

# expect STATUS TYPE TARGET [CURL ARGUMENT ...]: sends a request; the response is then in $body and $head.
body=$work/body
head=$work/head
expect() {
    local status=$1 type=$2 target=$3 got
    shift 3
    got=$(curl --silent --show-error --max-time 60 --output "$body" --dump-header "$head" \
        --write-out '%{http_code} %{content_type}' "$@" "$url$target" || true)
    if [[ $got == "$status $type"* ]]; then ok; else
        bad "$target $*: expected $status $type, got $got: $(head -c 300 "$body" | tr -d '\0' || true)"
    fi
}

# has PATTERN [FILE]: the response's body, or the file, has a match. starts HEX: the body starts with these bytes.
has() { if grep --quiet --text --ignore-case --extended-regexp "$1" "${2:-$body}"; then ok; else bad "no '$1' in ${2:-the response}: $(head -c 300 "${2:-$body}" | tr -d '\0')"; fi; }
starts() {
    local got
    got=$(head -c 16 "$body" | od -An -v -tx1 | tr -d ' \n')
    if [[ $got == "$1"* ]]; then ok; else bad "expected the response to start with $1, got $got"; fi
}
same() { if cmp --silent "$1" "$2"; then ok; else bad "$3"; fi; }
keep() { cp "$body" "$work/$1"; }
header() { grep --ignore-case "^$1:" "$head" | cut -d: -f2- | tr -d '\r' | sed 's/^ *//'; }

png=89504e470d0a1a0a
jpeg=ffd8ff
webp=52494646

# Model and operation
expect 200 application/json /info
has '"latent_shape"'
has '"sha256"' && has '^request-id:' "$head"
for path in /health/live /health/ready /health/startup /healthz /readyz; do expect 200 application/json "$path"; done
expect 200 text/plain /labels
expect 200 application/json '/labels?format=json'
expect 200 text/html /
has "^content-security-policy: default-src 'none'; script-src 'sha256-" "$head"
for sample in cat coffee rocket astronaut; do
    expect 200 image/jpeg "/samples/$sample.jpg"
    starts $jpeg
    expect 304 "" "/samples/$sample.jpg" --header "If-None-Match: $(header etag)"
done
expect 200 application/yaml /openapi.yaml
same "$body" openapi.yaml "/openapi.yaml is not the project's openapi.yaml"
expect 200 application/json /openapi.json
expect 200 application/json /problems/queue-full
expect 200 application/json /info --head
curl --silent --max-time 10 "$url/stats/normalization" --output "$body" --write-out '%{http_code}' >"$work/code"
has '^(200|501)$' "$work/code"

# Every photo through every route
for image in "${photos[@]}"; do
    expect 200 application/octet-stream /encode --data-binary "@$image"
    has '^shape: *\[1,' "$head" && has '^dtype: *float32' "$head"
    has '^uae-model: *[^@]+@sha256:' "$head" && has '^uae-latent: *layout=nchw' "$head" && has '^server-timing:' "$head"
    keep "latent-$(basename "$image")"
    expect 200 image/png /decode --data-binary "@$image"
    starts $png
    has '^uae-quality: *psnr=' "$head"
    expect 200 application/json /spectrum --data-binary "@$image"
    has '"total_energy"'
    expect 200 application/json /classify --data-binary "@$image"
    has '"predictions"'
done

# The latent in every format, encoded and decoded again
expect 200 application/octet-stream /encode --data-binary "@$photo"
keep latent.raw
shape=$(header shape | tr -d '[] ')
expect 200 image/png "/decode?shape=$shape&dtype=float32" --data-binary "@$work/latent.raw"
starts $png
keep from-raw.png
for form in npy:x-npy npz:x-npz safetensors:vnd.safetensors; do
    expect 200 "application/${form#*:}" "/encode?format=${form%%:*}" --data-binary "@$photo"
    keep "latent.${form%%:*}"
    if [ "$form" = npy:x-npy ]; then starts 934e554d5059; fi
    expect 200 image/png /decode --data-binary "@$work/latent.${form%%:*}"
    same "$body" "$work/from-raw.png" "the latent as ${form%%:*} decodes to a different image than the raw one"
    expect 200 application/json /spectrum --data-binary "@$work/latent.${form%%:*}"
    expect 200 application/json /classify --data-binary "@$work/latent.${form%%:*}"
done
expect 200 application/x-npz '/encode?format=npz&flip=both' --data-binary "@$photo"
starts 504b0304
expect 200 application/vnd.safetensors '/encode?dtype=bfloat16&layout=tokens' --data-binary "@$photo" \
    --header 'Accept: application/vnd.safetensors'
has '"BF16"'
expect 200 application/octet-stream '/encode?layout=freq_tokens&keep=16&dtype=float16' --data-binary "@$photo"
expect 200 image/png "/decode?dtype=float16&shape=$(header shape | tr -d '[] ')" --data-binary "@$body"
expect 200 application/octet-stream '/encode?pool=mean' --data-binary "@$photo"
python=$(command -v python3 || true)
if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then
    # Float64, Fortran order, big-endian and compressed: the same latent as any numpy user may save it.
    "$python" -c "
import numpy
a = numpy.load('$work/latent.npy')
numpy.save('$work/double.npy', a.astype('<f8'))
numpy.save('$work/fortran.npy', numpy.asfortranarray(a.astype('>f4')))
numpy.savez_compressed('$work/compressed.npz', latents=a)
numpy.save('$work/bytes.npy', a.astype('u1'))"
    for file in double.npy fortran.npy compressed.npz; do
        expect 200 image/png /decode --data-binary "@$work/$file"
        same "$body" "$work/from-raw.png" "$file decodes to a different image than the raw latent"
    done
    expect 422 application/problem+json /decode --data-binary "@$work/bytes.npy"
    has 'uint8|\|u1'
    if "$python" -c "
import numpy, sys
a = numpy.load('$work/latent.npy')
b = numpy.fromfile('$work/latent.raw', '<f4').reshape($shape)
sys.exit(not (a.shape == b.shape and (a == b).all()))"; then ok; else bad "numpy does not read latent.npy as the raw latent"; fi
fi

# Images, spectra and classes in their other formats
expect 200 image/jpeg '/decode?image_format=jpg&quality=80&keep=36' --data-binary "@$photo"
starts $jpeg
expect 200 image/jpeg '/decode?image_format=jpeg' --data-binary "@$photo"
starts $jpeg
expect 200 image/webp '/decode?image_format=webp&quality=80' --data-binary "@$photo"
starts $webp
keep photo.webp
expect 200 image/webp /decode --data-binary "@$work/photo.webp" --header 'Accept: image/webp'
starts $webp
expect 200 image/jpeg /decode --data-binary "@$photo" --header 'Accept: image/jpeg'

# Levels: a list gives the images of its numbers
expect 200 image/png '/decode?keep=4' --data-binary "@$photo"
has '^uae-latent: *keep=4, order=[a-z]+, bytes=[0-9]+' "$head"
keep level.png
expect 200 image/png '/decode?keep=\[4\]&quality=1' --data-binary "@$photo"
same "$body" "$work/level.png" "a list of one level gives another image than its number"
expect 200 multipart/mixed '/decode?keep=1,4,16&with_input=true' --data-binary "@$photo"
has '^UAE-Image: input' && has '^UAE-Latent: keep=16, ' && has '^UAE-Quality: psnr='
expect 200 image/png '/decode?keep=1,4&layout=sheet' --data-binary "@$photo"
starts $png
expect 200 image/jpeg '/decode?keep=1,4&layout=sheet&image_format=jpg' --form "file=@$photo" --form "file=@$photo"
starts $jpeg
expect 400 application/problem+json '/decode?layout=sheet&with_input=true' --data-binary "@$photo"
printf '{"inputs":[{"b64":"%s"}],"keep":[1,4]}' "$(base64 --wrap=0 "$photo")" >"$work/levels.json"
expect 200 application/json /decode --json "@$work/levels.json"
has '"levels":\[\{"keep":1,"latent_bytes":[0-9]+,' && has '\{"keep":4,"latent_bytes":[0-9]+,'
expect 200 image/svg+xml '/spectrum?format=svg' --data-binary "@$photo"
has '<svg'
expect 200 image/svg+xml '/spectrum?format=svg&of=both' --data-binary "@$photo"
has 'image \(line\)'
expect 200 application/json '/spectrum?bands=4&of=both' --data-binary "@$photo"
has '"latent":{"total_energy":'
expect 200 application/json '/spectrum?bands=4&of=image' --data-binary "@$photo"
expect 200 application/json '/spectrum?transform=fft' --data-binary "@$photo"
expect 200 application/json '/classify?top_k=3' --data-binary "@$photo"

# Several images: form parts and JSON; the batch equals its single responses
forms=()
singles=$work/singles
: >"$singles"
for image in "${photos[@]}"; do
    forms+=(--form "file=@$image")
    cat "$work/latent-$(basename "$image")" >>"$singles"
done
expect 200 application/octet-stream /encode "${forms[@]}"
has "^shape: *\[${#photos[@]}," "$head"
same "$body" "$singles" "a batch of ${#photos[@]} differs from single responses"
expect 200 multipart/mixed /decode "${forms[@]}" --form image_format=jpg
expect 200 application/json /classify "${forms[@]}" --form top_k=1
printf '{"inputs":[{"id":"a","b64":"%s"},{"id":"b","b64":"AAAA"}],"on_error":"skip"}' "$(base64 --wrap=0 "$photo")" >"$work/request.json"
for route in encode decode spectrum classify; do
    expect 200 application/json "/$route" --json "@$work/request.json"
    has '"id": ?"a"' && has '"id": ?"b"' && has 'urn:uae:problem:unsupported-media'
    expect 200 '' "/v1/$route" --data-binary "@$photo"
done

# Spellings of JSON and of forms that clients send
expect 200 application/octet-stream '/encode?keep=9' --data-binary "@$photo"
keep nine.raw
spelled() {
    printf "$1" "$2" >"$work/spelled.json"
    expect 200 application/octet-stream '/encode?format=raw' --json "@$work/spelled.json"
    same "$body" "$work/nine.raw" "$1 gives another latent"
}
plain=$(base64 --wrap=0 "$photo")
spelled '{"inputs":[{"b64":"%s"}],"keep":9.0}' "$plain"
spelled '{"inputs":[{"b64":"%s"}],"keep":90e-1}' "$(tr '+/' '-_' <<<"$plain" | tr -d '=')"
spelled '\xef\xbb\xbf{"inputs":[{"b64":"data:image/jpeg;base64,%s"}],"keep":9}' "$plain"
printf -- '--b\r\nContent-Disposition: form-data; name="left"; filename=""\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name="photo"\r\nContent-Type: image/jpeg\r\n\r\n' >"$work/form"
cat "$photo" >>"$work/form"
printf '\r\n--b--\r\n' >>"$work/form"
expect 200 application/octet-stream '/encode?keep=9' --data-binary "@$work/form" --header 'Content-Type: multipart/form-data; boundary=b'
same "$body" "$work/nine.raw" "a part without a filename gives another latent"

# Encodings of a request
expect 200 application/octet-stream /encode --data-binary "@$photo" --header 'Transfer-Encoding: chunked'
same "$body" "$work/latent.raw" "a chunked upload gives a different response than a whole one"
expect 200 application/octet-stream /encode --data-binary "@$photo" --header 'Expect: 100-continue'
expect 200 application/octet-stream /encode --data-binary "@$photo" --header 'Request-Id: smoke-1' --header 'Content-Type: text/plain'
has '^request-id: *smoke-1' "$head"

# Refusals
refused() {
    local status=$1 slug=$2
    shift 2
    expect "$status" application/problem+json "$@"
    has "urn:uae:problem:$slug\"" && has "\"status\": ?$status" && has '"request_id"'
}
refused 400 unknown-parameter '/encode?nonsense=1' --data-binary "@$photo"
refused 400 bad-parameter '/encode?keep=1,4' --data-binary "@$photo"
refused 400 bad-parameter '/decode?keep=4,,5' --data-binary "@$photo"
refused 413 too-many-items "/decode?keep=$(seq --separator=, 0 64)" --data-binary "@$photo"

# What a range of coefficients adds, and one image of two
expect 200 image/png '/decode?keep_from=1&keep_to=4' --data-binary "@$photo"
has '^uae-latent: *keep_from=1, keep_to=4, order=[a-z]+, bytes=[0-9]+' "$head"
refused 400 bad-parameter '/decode?keep_from=4&keep_to=4' --data-binary "@$photo"
coefficients=$((${shape##*,} * ${shape##*,}))
pair=(--form "file=@$photo" --form "file=@$work/photo.webp")
expect 200 image/png '/decode?mix=low:1' "${pair[@]}"
has '^uae-latent: *mix=low:1, order=[a-z]+, bytes=[0-9]+' "$head"
keep mixed.png
expect 200 image/png "/decode?keep=$coefficients" --data-binary "@$photo"
keep whole.png
expect 200 image/png "/decode?mix=high:$coefficients" "${pair[@]}"
same "$body" "$work/whole.png" "all of the first image and none of the second is another image than the first"
expect 200 image/png '/decode?mix=low:0' --form "file=@$work/photo.webp" --form "file=@$photo"
same "$body" "$work/whole.png" "none of the first image and all of the second is another image than the second"
refused 400 bad-parameter '/decode?mix=low:1' --data-binary "@$photo"
has '"expected": ?2' && has '"actual": ?1'
# GET routes ignore what they do not know; a target of 8,000 bytes is no trouble, one beyond 16 KiB is refused by name.
long=$(head -c 8000 /dev/zero | tr '\0' a)
for http in --http1.1 --http2-prior-knowledge; do
    expect 200 application/json "/health/live?t=$long" "$http"
    refused 414 target-too-long "/health/live?t=$long$long$long" "$http" --header 'Request-Id: smoke-414'
    has '^request-id: *smoke-414' "$head"
    refused 501 feature-unavailable /info "$http" --request BREW --header 'Request-Id: smoke-501'
    has '^request-id: *smoke-501' "$head"
done
refused 417 expectation-failed /encode --data-binary x --header 'Expect: 200-ok' --header 'Request-Id: smoke-417'
has '^request-id: *smoke-417' "$head"
head -c 68000000 /dev/zero >"$work/large"
refused 413 body-too-large /encode --data-binary "@$work/large" --header 'Request-Id: smoke-413'
has '^request-id: *smoke-413' "$head"
refused 400 bad-parameter '/labels?format=xml'
refused 400 bad-parameter '/encode?keep=many' --data-binary "@$photo"
refused 400 bad-parameter '/encode?keep=1&keep=2' --data-binary "@$photo"
refused 400 bad-parameter /encode --form "file=@$photo" --form "keep=$(printf '%05000d' 1)"
has '"limit": ?4096' && has '"actual": ?5000'
refused 400 malformed-json /encode --json '{"inputs":'
refused 400 malformed-multipart /encode --data-binary '--x' --header 'Content-Type: multipart/form-data; boundary=y'
refused 404 not-found /nothing
refused 404 not-found /problems/nothing
refused 405 method-not-allowed /encode
has '^allow:.*POST' "$head"
refused 405 method-not-allowed /info --request DELETE
has '^allow:.*GET' "$head"
refused 400 malformed-json /encode --json '{"input":[]}'
has "did you mean 'inputs'"
refused 400 malformed-json /encode --json '{"inputs":{"b64":"AAAA"}}'
refused 422 image-undecodable /encode --json '{"inputs":[{"id":"a","b64":""}]}'
has 'is empty' && has '"item": ?"a"'
refused 406 not-acceptable '/encode?format=npy&dtype=bfloat16' --data-binary "@$photo"
refused 413 too-many-items /encode --json "{\"inputs\":[$(printf '{"b64":"AAAA"},%.0s' {1..5000}){\"b64\":\"AAAA\"}]}"
refused 415 unsupported-media /encode --data-binary 'neither image nor tensor'
refused 415 unsupported-media /encode --data-binary "@$photo" --header 'Content-Encoding: gzip'
head -c 2000 "$photo" >"$work/cut.jpg"
refused 422 image-undecodable /encode --data-binary "@$work/cut.jpg"
# The first bad item is the one named, also where another shows its fault sooner.
refused 422 image-undecodable /encode --form "file=@$work/cut.jpg" --form "file=@scripts/smoke.sh"
refused 422 tensor-shape '/decode?shape=1,2,3,4' --data-binary "@$work/latent.raw"

# The same over HTTP/2: with prior knowledge, and by upgrade.
expect 200 application/octet-stream /encode --data-binary "@$photo"
cp "$body" "$work/http1.raw"
expect 200 application/octet-stream /encode --data-binary "@$photo" --http2-prior-knowledge
has '^HTTP/2 200' "$head"
if cmp --silent "$body" "$work/http1.raw"; then ok; else bad "/encode over HTTP/2 differs"; fi
expect 200 application/json /info --http2
has '^HTTP/1.1 101' "$head" && has '^HTTP/2 200' "$head"
refused 413 too-many-items /encode --http2-prior-knowledge \
    --json "{\"inputs\":[$(printf '{"b64":"AAAA"},%.0s' {1..5000}){\"b64\":\"AAAA\"}]}"

expect 200 text/plain /metrics
has '^uae_requests_total\{[^}]*op="encode"' && has '^uae_ready 1'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
