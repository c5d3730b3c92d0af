#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the client examples against a running server and checks that each writes an image.
#   scripts/with-server.sh scripts/examples.sh
set -euo pipefail

cd "$(dirname "$0")/.."
url=${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}
environment=$(scripts/python-environment.sh Tests/OpenAPI/requirements.txt .build/openapi-python)
photo=Tests/Fixtures/data/golden/clip/china.jpg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$environment/bin/python" examples/client.py "$photo" "$work/python.png" "$url" | tee "$work/lines"
levels=$(grep --count '^keep=[0-9]*, .*; psnr=.*; [0-9]* bytes of PNG$' "$work/lines")
[ "$levels" = 4 ] || { echo "$levels of 4 levels" >&2; exit 1; }
images=(python.png)
if command -v node >/dev/null; then
    node examples/client.mjs "$photo" "$work/node.png" "$url"
    images+=(node.png)
fi
for image in "${images[@]}"; do
    head -c 4 "$work/$image" | grep --quiet --text PNG || { echo "$image is not a PNG" >&2; exit 1; }
    cmp "$work/python.png" "$work/$image"
done
echo "${#images[@]} passed, 0 failed"
