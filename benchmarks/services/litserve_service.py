# SPDX-License-Identifier: Apache-2.0
"""LitServe and ONNX Runtime: `python -m services.litserve_service PORT WORKERS BATCH`."""

import sys
from typing import Annotated

import litserve
import numpy
from fastapi import Body, Response

from . import work


class EncodeAPI(litserve.LitAPI):
    def setup(self, device):
        self.session = work.session()

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]):
        return work.pixels(request)

    def batch(self, inputs):
        return numpy.stack(inputs)

    def unbatch(self, output):
        return list(output)

    def predict(self, x):
        if x.ndim == 3:
            return work.encode(self.session, numpy.ascontiguousarray(x)[None])[0]
        return work.encode(self.session, x)

    def encode_response(self, output) -> Response:
        return Response(work.npy(output[None]), media_type="application/x-npy")


if __name__ == "__main__":
    port, workers, batch = map(int, sys.argv[1:4])
    api = EncodeAPI(max_batch_size=batch, batch_timeout=0.001 if batch > 1 else 0.0, api_path="/encode")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=workers, fast_queue=True)
    server.run(
        host="127.0.0.1", port=port, num_api_servers=1, generate_client_file=False, log_level="warning",
        access_log=False,
    )
