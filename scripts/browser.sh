#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The page at / in Debian's Chromium, in front of the built server. Installs what is missing.
#   scripts/browser.sh test [NAME]    the cases whose names contain NAME, or all
#   scripts/browser.sh pictures       writes docs/pictures/page-*
#   scripts/browser.sh rate           reconstructions a second while the slider moves
# UAE_BINARY is the server (.build/release/uae), UAE_MODEL the model folder (models/default).
set -euo pipefail

cd "$(dirname "$0")/.."
[ -x "${UAE_BINARY:-.build/release/uae}" ] || { echo "The server is not built: run make build" >&2; exit 1; }
scripts/install-packages.sh chromium chromium-driver fonts-dejavu-core curl python3
environment=$(scripts/python-environment.sh scripts/browser/requirements.txt .build/browser-python)
# The Python package that has the newest axe-core, without Playwright, which it depends on.
axe=$environment/axe/axe_playwright_python/axe.min.js
[ -f "$axe" ] || "$environment/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --target "$environment/axe" axe-playwright-python==0.1.8 >&2
export AXE=$axe PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=scripts/torture SE_OFFLINE=true SE_AVOID_STATS=true
# After SIGTERM the program ends the browser and the servers, as at its end.
status=0
timeout --kill-after=20 900 "$environment/bin/python" "scripts/browser/$1.py" "${@:2}" || status=$?
[ "$status" -ne 124 ] || echo "scripts/browser/$1.py did not end within 900 s" >&2
exit "$status"
