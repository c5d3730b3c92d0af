# SPDX-License-Identifier: Apache-2.0
"""FastAPI and ONNX Runtime: `uvicorn services.fastapi_service:app`."""

from concurrent.futures import ThreadPoolExecutor
import asyncio

import numpy
from fastapi import FastAPI, Request, Response

from . import work

app = FastAPI()
session = work.session()
# As many requests at a time as fill both cores; more would only wait.
pool = ThreadPoolExecutor(2)


def answer(jpeg):
    return work.npy(work.encode(session, numpy.ascontiguousarray(work.pixels(jpeg))[None]))


@app.post("/encode")
async def encode(request: Request):
    jpeg = await request.body()
    content = await asyncio.get_running_loop().run_in_executor(pool, answer, jpeg)
    return Response(content, media_type="application/x-npy")
