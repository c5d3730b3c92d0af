# SPDX-License-Identifier: Apache-2.0
"""Checks openapi.yaml: valid OpenAPI, and the same routes and methods as the running server has.

    python3 Tests/OpenAPI/check_document.py [URL]
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import yaml
from openapi_spec_validator import validate

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


def fetch(url: str, method: str = "GET") -> tuple[int, dict, bytes]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def failures(document: dict, url: str) -> list[str]:
    found = []
    served = json.loads(fetch(url + "/openapi.json")[2])
    if served != document:
        found.append("/openapi.json differs from openapi.yaml")
    for path, item in document["paths"].items():
        documented = {method.upper() for method in METHODS & item.keys()}
        if "GET" in documented:
            documented.add("HEAD")
        for server in item.get("servers", [{"url": "/"}]):
            target = url + server["url"].rstrip("/") + path.replace("{slug}", "queue-full").replace("{name}", "cat.jpg")
            # No path documents DELETE, so the response lists the methods of the path.
            status, fields, _ = fetch(target, "DELETE")
            allowed = {name.strip() for name in fields.get("Allow", "").split(",")} - {"OPTIONS"}
            if status != 405 or allowed != documented:
                found.append(f"DELETE {target}: expected 405 with Allow {sorted(documented)}, got {status} {sorted(allowed)}")
            if "GET" in documented:
                status, fields, _ = fetch(target)
                expected = item["get"]["responses"].get(str(status), {}).get("content")
                media_type = fields.get("Content-Type", "").split(";")[0]
                if expected is not None and media_type not in expected:
                    found.append(f"GET {target}: {status} as {media_type}, documented {sorted(expected)}")
    return found


def main() -> int:
    document = yaml.safe_load(Path("openapi.yaml").read_text())
    validate(document)
    found = failures(document, sys.argv[1].rstrip("/")) if len(sys.argv) > 1 else []
    for failure in found:
        print("FAILED:", failure, file=sys.stderr)
    print(f"openapi.yaml: valid, {len(document['paths'])} paths, {len(found)} differences from the server")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
