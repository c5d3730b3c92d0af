# SPDX-License-Identifier: Apache-2.0
"""Encodes, decodes, also by levels, and classifies a photo with the standard library and numpy.

    python3 examples/client.py photo.jpg reconstruction.png [http://localhost:8080]
"""

import email
import email.message
import io
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy


class Client:
    def __init__(self, url: str, key: str | None = None):
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def post(self, route: str, body: bytes, **parameters) -> tuple[bytes, dict]:
        """Sends one request; waits and retries while the server is overloaded or not serving."""
        target = f"{self.url}/{route}?{urllib.parse.urlencode(parameters)}"
        for attempt in range(5):
            request = urllib.request.Request(target, body, self.headers | {"Content-Type": "application/octet-stream"})
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.read(), dict(response.headers)
            except urllib.error.HTTPError as error:
                problem = json.load(error)
                if error.code not in (429, 503) or attempt == 4:
                    raise RuntimeError(f"{problem['title']} {problem['detail']}") from None
                time.sleep(int(error.headers["Retry-After"]))
        raise AssertionError("unreachable")

    def encode(self, image: bytes, **parameters) -> numpy.ndarray:
        return numpy.load(io.BytesIO(self.post("encode", image, format="npy", **parameters)[0]))

    def decode(self, latent: numpy.ndarray, **parameters) -> bytes:
        """Returns a PNG file."""
        file = io.BytesIO()
        numpy.save(file, latent)
        return self.post("decode", file.getvalue(), **parameters)[0]

    def levels(self, image: bytes, keep: list[int]) -> list[email.message.Message]:
        """Returns a part for each level: a PNG file with its headers."""
        body, headers = self.post("decode", image, keep=",".join(map(str, keep)))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        message = email.message_from_bytes(f"{head}\r\n".encode() + body)
        return message.get_payload() if message.is_multipart() else [message]

    def classify(self, image: bytes, top_k: int = 5) -> list[dict]:
        return json.loads(self.post("classify", image, top_k=top_k)[0])["items"][0]["predictions"]


def main() -> None:
    photo, output, *rest = sys.argv[1:]
    client = Client(*(rest or ["http://localhost:8080"]))
    with open(photo, "rb") as file:
        image = file.read()
    latent = client.encode(image)
    print("latent", latent.shape, latent.dtype)
    with open(output, "wb") as file:
        file.write(client.decode(latent))
    for part in client.levels(image, [1, 4, 16, 64]):
        print(f"{part['UAE-Latent']}; {part['UAE-Quality']}; {len(part.get_payload(decode=True))} bytes of PNG")
    for prediction in client.classify(image):
        print(f"{prediction['score']:.3f} {prediction.get('label', prediction['index'])}")


if __name__ == "__main__":
    main()
