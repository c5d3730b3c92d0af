# SPDX-License-Identifier: Apache-2.0
"""A peer in a process of its own: `python -m peers.worker onnxruntime|openvino|torch`.

It reads the same commands as benchmarks/engine, one per line on standard input, and prints one line for each:

    load FOLDER THREADS                 FOLDER: a model folder for torch, a folder of ONNX files for the others
    input pixels|latent FILE SIDE       raw bytes [SIDE, SIDE, 3], or raw floats [channels, SIDE, SIDE]
    run OPERATION BATCH COUNT           seconds of each of COUNT calls
    save OPERATION FILE                 writes the result for one image as raw floats
    flops OPERATION                     floating-point operations of one call (torch only), the resizing left out
    resident                            resident bytes
"""

import os
import sys
import time
import traceback

import numpy


class Torch:
    def __init__(self, folder, threads):
        import torch

        from .model import Model

        self.torch = torch
        torch.set_num_threads(threads)
        self.model = Model(folder)

    def prepare(self, operation, value):
        tensor = self.torch.from_numpy(value)

        def call():
            with self.torch.inference_mode():
                return self.model.modules[operation](tensor).numpy()

        return call

    def flops(self, operation):
        from torch.nn.attention import SDPBackend, sdpa_kernel
        from torch.utils.flop_counter import FlopCounterMode

        module = self.model.modules[operation]
        example = self.model.example(operation)
        encode = getattr(module, "encode", module)
        resizing = 0
        # The counter does not support fused attention on the CPU, but it counts the products of unfused attention.
        with self.torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
            if hasattr(encode, "pixels_in"):
                with FlopCounterMode(display=False) as counter:
                    encode.pixels_in(example)
                resizing = counter.get_total_flops()
            with FlopCounterMode(display=False) as counter:
                module(example)
        return counter.get_total_flops() - resizing


class ONNXRuntime:
    def __init__(self, folder, threads):
        import onnxruntime

        self.onnxruntime, self.folder, self.threads = onnxruntime, folder, threads
        self.sessions = {}

    def prepare(self, operation, value):
        if operation not in self.sessions:
            options = self.onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
            options.graph_optimization_level = self.onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            self.sessions[operation] = self.onnxruntime.InferenceSession(
                f"{self.folder}/{operation}.onnx", options, providers=["CPUExecutionProvider"]
            )
        session = self.sessions[operation]
        return lambda: session.run(None, {"input": value})[0]


class OpenVINO:
    def __init__(self, folder, threads):
        import openvino

        self.openvino, self.folder = openvino, folder
        self.core = openvino.Core()
        self.settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # Some machines would run single precision as bfloat16.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self.compiled = {}

    def prepare(self, operation, value):
        # Compiled for this batch, which favours OpenVINO; one model at a time, to save memory.
        if self.compiled.get(operation, (0,))[0] != value.shape:
            self.compiled.pop(operation, None)
            model = self.core.read_model(f"{self.folder}/{operation}.onnx")
            model.reshape(list(value.shape))
            self.compiled[operation] = (value.shape, self.core.compile_model(model, "CPU", self.settings))
        request = self.compiled[operation][1].create_infer_request()
        return lambda: request.infer([value], share_inputs=True, share_outputs=True)[0]


class Worker:
    KINDS = {"torch": Torch, "onnxruntime": ONNXRuntime, "openvino": OpenVINO}

    def __init__(self, kind):
        self.kind = kind
        self.inputs, self.calls = {}, {}

    def load(self, folder, threads):
        start = time.monotonic()
        self.calls = {}
        self.backend = self.KINDS[self.kind](folder, int(threads))
        return f"{time.monotonic() - start}"

    def input(self, kind, path, side):
        side = int(side)
        if kind == "pixels":
            self.inputs[kind] = numpy.fromfile(path, numpy.uint8).reshape(1, side, side, 3)
        else:
            self.inputs[kind] = numpy.fromfile(path, numpy.float32).reshape(1, -1, side, side)
        return "ok"

    def call(self, operation, batch):
        if (operation, batch) not in self.calls:
            value = self.inputs["latent" if operation == "decode" else "pixels"]
            value = numpy.ascontiguousarray(numpy.repeat(value, batch, 0))
            # One batch at a time, because each compiled model may hold a copy of the weights.
            self.calls = {key: call for key, call in self.calls.items() if key[0] != operation}
            self.calls[operation, batch] = self.backend.prepare(operation, value)
            self.calls[operation, batch]()
        return self.calls[operation, batch]

    def run(self, operation, batch, count):
        call = self.call(operation, int(batch))
        seconds = []
        for _ in range(int(count)):
            start = time.monotonic()
            call()
            seconds.append(str(time.monotonic() - start))
        return " ".join(seconds)

    def save(self, operation, path):
        self.call(operation, 1)().astype(numpy.float32).tofile(path)
        return "ok"

    def flops(self, operation):
        return str(self.backend.flops(operation))

    def resident(self):
        with open("/proc/self/statm") as file:
            return str(int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE"))


def main():
    worker = Worker(sys.argv[1])
    # Libraries print to standard output, so the protocol has a separate descriptor.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            answer = getattr(worker, command)(*arguments)
        except Exception as error:  # noqa: BLE001 - the requester is told about any error
            traceback.print_exc()
            answer = f"error {error!r}".replace("\n", " ")
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
