#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes a Python environment FOLDER with the pinned packages of REQUIREMENTS, once, and prints the folder's path.
#   scripts/python-environment.sh REQUIREMENTS FOLDER
set -euo pipefail

requirements=$1
folder=$2
stamp=$folder/requirements.txt

if ! cmp --silent "$requirements" "$stamp"; then
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        "$(dirname "$0")/install-packages.sh" python3-venv >&2
    fi
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    cp "$requirements" "$stamp"
fi
echo "$folder"
