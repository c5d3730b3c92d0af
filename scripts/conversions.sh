#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs `uae convert` from the command line. Every golden checkpoint is converted and verified with a photo. A refusal is
# one line with an exit code of sysexits.h. A conversion that failed or was interrupted leaves no files.
set -euo pipefail

cd "$(dirname "$0")/.."
uae=.build/release/uae
golden=Tests/Fixtures/data/golden
photo=$golden/siglip2/rocket.jpg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

ok() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAILED: $1" >&2
}

# converts NAME SOURCE [OPTION ...]: succeeds, prints the report, the verification and the next command.
converts() {
    local name=$1
    shift
    if "$uae" convert "$1" "$work/$name" "${@:2}" --verify "$photo" >"$work/out" 2>"$work/err" \
        && grep -q '^sha256' "$work/out" && grep -q '^verified: ' "$work/out" \
        && [ "$(tail -n 1 "$work/out")" = "next: uae serve --model $work/$name" ] && [ ! -s "$work/err" ]; then
        ok
    else
        bad "convert $*: $(cat "$work/out" "$work/err")"
    fi
}

# refuses CODE PATTERN SOURCE [OPTION ...]: one line on standard error, no files in the target folder.
refuses() {
    local code=$1 pattern=$2 got=0
    shift 2
    mkdir -p "$work/refused"
    "$uae" convert "$1" "$work/refused/model" "${@:2}" >"$work/out" 2>"$work/err" || got=$?
    if [ "$got" -eq "$code" ] && grep -q "^uae: .*$pattern" "$work/err" && [ "$(wc -l <"$work/err")" -eq 1 ] \
        && [ ! -s "$work/out" ] && [ -z "$(ls -A "$work/refused")" ]; then
        ok
    else
        bad "convert $*: exit $got, expected $code and '$pattern': $(cat "$work/out" "$work/err"; ls -A "$work/refused")"
    fi
}

token64=configs/stage2/latent_modeling/sampling/ImageNet256/64token.yaml
for name in first-edition/k2 first-edition/k4 mae sizes/clip-336 sizes/dinov2-448 diffusers-rae diffusers-rae-tf5; do
    converts "${name//\//-}" "$golden/$name"
done
converts tree-folder "$golden/published-tree/downloads/checkpoints/DINOv2-B"
converts tree-yaml "$golden/published-tree/$token64"
converts tree-root "$golden/published-tree" --config "$token64"
for name in DINOv2-B MAE SigLIP2; do converts "rae-$name" "$golden/rae/configs/stage1/pretrained/$name.yaml"; done
converts alone "$golden/first-edition/k2/final.pt" --config "$golden/first-edition/k2/config.yaml" --name mine
if grep -q '"name": "mine"' "$work/alone/config.json"; then ok; else bad "--name"; fi

# An encoder's configuration in the Hugging Face cache; its weights are in the checkpoint.
cp -r "$golden/published-tree" "$work/tree"
snapshot=$work/hugging-face/hub/models--facebook--dinov2-with-registers-base/snapshots/0123
mkdir -p "$snapshot"
mv "$work/tree/facebook/dinov2-with-registers-base/"* "$snapshot"
rm -r "$work/tree/facebook"
export HF_HOME=$work/hugging-face
converts cache "$work/tree/downloads/checkpoints/DINOv2-B"
unset HF_HOME

refuses 66 'there is no such file or folder' "$work/nowhere"
refuses 66 'photo.jpg cannot be read' "$golden/mae" --verify "$work/photo.jpg"
refuses 65 'has no config.yaml' "$golden/mae/encoder"
refuses 65 'which does not say what model it is' "$golden/first-edition/k2/final.pt"
refuses 66 "ckpt names 'results/" "$golden/published-tree" --config configs/stage1/dinov2/stage2.yaml
refuses 64 'means nothing beside' "$golden/diffusers-rae" --checkpoint "$golden/mae/checkpoint.safetensors"
refuses 65 "holds freq_modulator tensors" "$golden/mae" --checkpoint "$golden/first-edition/k4/checkpoint.safetensors"
head -c 1000000 "$golden/first-edition/k2/final.pt" >"$work/cut.pt"
refuses 65 'ends early, after 1000000 bytes' "$golden/first-edition/k2" --checkpoint "$work/cut.pt"
got=0
"$uae" convert "$golden/mae" "$work/mae" 2>"$work/err" || got=$?
if [ "$got" -eq 73 ] && grep -q 'nothing is overwritten' "$work/err"; then ok; else bad "a second conversion: $got"; fi

# Interrupted while it writes: writing 0.8 GB takes longer than the signal. Background jobs ignore SIGINT unless they catch it.
mkdir "$work/stopped"
.build/release/model-init --family dinov2-base --decoder ViTB "$work/random" >/dev/null
printf '%s\n' 'stage_1:' '  target: stage1.UAE' "  ckpt: $work/random/model.safetensors" '  params:' \
    '    encoder_cls: Dinov2withNorm' '    encoder_config_path: facebook/dinov2-with-registers-base' \
    '    decoder_config_path: ViTB' >"$work/random/config.yaml"
for signal in INT TERM; do
    "$uae" convert "$work/random" "$work/stopped/model" >/dev/null 2>&1 &
    pid=$!
    for _ in $(seq 200); do [ -z "$(ls -A "$work/stopped")" ] || break; sleep 0.01; done
    kill -s "$signal" "$pid"
    got=0
    wait "$pid" || got=$?
    if [ "$got" -gt 128 ] && [ -z "$(ls -A "$work/stopped")" ]; then ok; else
        bad "interrupted by $signal: exit $got, left $(ls -A "$work/stopped")"
    fi
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
