#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the README's pictures: the fixtures' photos through the running server.
#   scripts/with-server.sh scripts/readme-pictures.sh
set -euo pipefail

cd "$(dirname "$0")/.."
url=${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}
mkdir -p docs/pictures
for photo in Tests/Fixtures/data/golden/*/*.{jpg,png}; do
    name=$(basename "${photo%.*}")
    for keep in 196 64 16; do
        curl --silent --show-error --fail --data-binary "@$photo" --output "docs/pictures/$name-$keep.jpg" \
            --write-out "$name keep=$keep %header{uae-quality}\n" "$url/decode?keep=$keep&image_format=jpg&quality=92"
    done
done
curl --silent --show-error --fail --data-binary @Tests/Fixtures/data/golden/dinov2/chelsea.png \
    --output docs/pictures/spectrum.svg "$url/spectrum?format=svg"
