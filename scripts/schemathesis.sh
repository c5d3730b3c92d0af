#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks openapi.yaml: its validity, its routes against the running server's, and the server's behaviour with requests
# that schemathesis generates: no undocumented status, media type, header or body, and no 500.
#   scripts/with-server.sh scripts/schemathesis.sh [FURTHER schemathesis ARGUMENTS]
set -euo pipefail

cd "$(dirname "$0")/.."
url=${UAE_URL:?the server\'s address, such as http://127.0.0.1:8080}
environment=$(scripts/python-environment.sh Tests/OpenAPI/requirements.txt .build/openapi-python)

"$environment/bin/python" Tests/OpenAPI/check_document.py "$url"

export SCHEMATHESIS_HOOKS=hooks
export PYTHONPATH=Tests/OpenAPI PYTHONDONTWRITEBYTECODE=1
"$environment/bin/schemathesis" --config-file Tests/OpenAPI/schemathesis.toml run openapi.yaml --url "$url" \
    --max-examples "${SCHEMATHESIS_EXAMPLES:-25}" --seed 20251219 --generation-database none --workers 1 --warnings off "$@"
