#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sends six photographs, which the default model was not trained on, to the running server; writes the images of
# README.md and prints its table of reconstructions.
#   scripts/with-server.sh scripts/readme-pictures.sh
set -euo pipefail

cd "$(dirname "$0")/.."
url=${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}
photos=(
    Tests/Fixtures/data/golden/dinov2/chelsea.png docs/pictures/photos/astronaut.png docs/pictures/photos/coffee.png
    docs/pictures/photos/flower.png Tests/Fixtures/data/golden/siglip2/rocket.jpg Tests/Fixtures/data/golden/clip/china.jpg
)
keeps=(196 64 36 16)

header="| photo |"
line="|---|"
for keep in "${keeps[@]}"; do
    header+=" $keep |"
    line+="---|"
done
echo "$header"
echo "$line"
for photo in "${photos[@]}"; do
    name=$(basename "${photo%.*}")
    row="| <img src=\"$photo\" height=\"150\" alt=\"$name\"> |"
    for keep in "${keeps[@]}"; do
        target=docs/pictures/$name-$keep.jpg
        quality=$(curl --silent --show-error --fail --data-binary "@$photo" --output "$target" \
            --write-out '%header{uae-quality}' "$url/decode?keep=$keep&image_format=jpg&quality=92")
        decibels=${quality#psnr=}
        row+=" <img src=\"$target\" height=\"150\" alt=\"$name from $keep\"><br>${decibels%%,*} dB |"
    done
    echo "$row"
done
curl --silent --show-error --fail --data-binary "@${photos[0]}" --output docs/pictures/spectrum.svg \
    "$url/spectrum?format=svg"
