// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// Times the kernels against the machine's own multiply-add limit and against OpenBLAS, all in one run.
///
/// Arguments choose sections: `limit`, `products`, `attention`, `elementwise`, `convolutions`; none means all of them.
/// An instruction set's name (`avx2`) runs that set instead of the best.
@main
struct KernelBench {
    let kernels: KernelSet
    let library: OpenBLAS
    let rounds = 7
    let pair = ComputeTeam(size: 2)

    static func main() throws {
        let arguments = Set(CommandLine.arguments.dropFirst())
        let kernels = KernelSet.available.first { arguments.contains($0.name) } ?? .best
        let sections = arguments.subtracting([kernels.name])
        let library = try OpenBLAS()
        print("kernels \(kernels.name), \(library.configuration)")
        let bench = KernelBench(kernels: kernels, library: library)
        bench.limits()
        if sections.isEmpty || sections.contains("products") { bench.products() }
        if sections.isEmpty || sections.contains("attention") { bench.attentions() }
        if sections.isEmpty || sections.contains("elementwise") { bench.elementwise() }
        if sections.isEmpty || sections.contains("convolutions") { bench.convolutions() }
    }

    /// Multiply-adds in registers only, on one thread and on two: the limit, measured in the same rounds.
    var limit: Contender {
        let passes = 1_000_000
        return Contender(operations: Double(2 * 12 * kernels.lanes * passes)) {
            _ = kernels.multiplyAddsInRegisters(rounds: passes)
        }
    }

    var pairLimit: Contender {
        let alone = limit
        return Contender(operations: 2 * alone.operations, threads: 2) { pair.forEach(2) { _, _ in alone.body() } }
    }

    /// GFLOP/s of each contender.
    func rates(_ contenders: [Contender]) -> (rates: [Double], measured: [Measurement]) {
        let measured = alternate(rounds: rounds, contenders)
        return (zip(contenders, measured).map { $0.operations / $1.median / 1e9 }, measured)
    }

    func limits() {
        let found = rates([limit, pairLimit]).rates
        print(
            "multiply-add limit: \(found[0].formatted(1, width: 0)) GFLOP/s,",
            "two threads \(found[1].formatted(1, width: 0))"
        )
    }

    func noise(_ count: Int) -> UnsafeMutablePointer<Float> {
        let floats = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: max(count, 1))
        var state: UInt32 = 1
        for i in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            floats[i] = Float(Int32(bitPattern: state)) / 2_147_483_648
        }
        return floats
    }

    func products() {
        // `sgemm` is one bare call; `openblas` and `packed` are a layer with bias under that setting.
        print(
            "\n rows outputs inputs | limit    two |  sgemm | openblas | packed share | packed/openblas |",
            "2 threads share | fp16 share | spread"
        )
        let shapes = [
            (257, 768, 768), (257, 3072, 768), (257, 768, 3072), (257, 1152, 1152), (257, 3456, 1152),
            (257, 4096, 1152), (257, 1152, 4096), (261, 768, 768), (261, 3072, 768), (261, 768, 3072),
            (129, 3072, 768), (1, 1152, 4096), (14, 3072, 768), (2088, 3072, 768),
            (197, 192, 192), (197, 768, 192), (197, 192, 768),
            (12544, 96, 16), (3136, 24, 96), (784, 40, 240), (196, 480, 80), (196, 112, 672), (49, 320, 1152),
        ]
        for (rows, outputs, inputs) in shapes {
            let stride = PackedLinear.preferredStride(inputs)
            let x = noise(rows * stride)
            let weight = noise(outputs * inputs)
            let out = noise(rows * outputs)
            let layer = PackedLinear(weight: weight, bias: weight, outputs: outputs, inputs: inputs, kernels: kernels)
            let half = PackedLinear(
                weight: weight,
                bias: weight,
                outputs: outputs,
                inputs: inputs,
                storage: .float16,
                kernels: kernels
            )
            let plain = PackedLinear(
                weight: weight,
                bias: weight,
                outputs: outputs,
                inputs: inputs,
                product: .openBLAS(library),
                kernels: kernels
            )
            let scratch = noise(
                PackedLinear.scratchCount(rows: rows, inputs: inputs, teamSize: 2, kernels: kernels)
            )
            let operations = 2 * Double(rows) * Double(outputs) * Double(inputs)
            let (rates, measured) = rates([
                limit,
                pairLimit,
                Contender(operations: operations) {
                    library.product(
                        x,
                        inputStride: stride,
                        weight,
                        rows: rows,
                        outputs: outputs,
                        inputs: inputs,
                        into: out,
                        outputStride: outputs
                    )
                },
                Contender(operations: operations) {
                    plain(x, rows: rows, inputStride: stride, into: out, scratch: scratch, team: .solo)
                },
                Contender(operations: operations) {
                    layer(x, rows: rows, inputStride: stride, into: out, scratch: scratch, team: .solo)
                },
                Contender(operations: operations, threads: 2) {
                    layer(x, rows: rows, inputStride: stride, into: out, scratch: scratch, team: pair)
                },
                Contender(operations: operations) {
                    half(x, rows: rows, inputStride: stride, into: out, scratch: scratch, team: .solo)
                },
            ])
            print(
                String(rows).padded(5),
                String(outputs).padded(7),
                String(inputs).padded(6),
                "|",
                rates[0].formatted(1, width: 5),
                rates[1].formatted(1, width: 6),
                "|",
                rates[2].formatted(1, width: 6),
                "|",
                plain.usesOpenBLAS ? rates[3].formatted(1, width: 8) : "       -",
                "|",
                rates[4].formatted(1, width: 6),
                (100 * rates[4] / rates[0]).formatted(0, width: 4) + "%",
                "|",
                plain.usesOpenBLAS ? (rates[4] / rates[3]).formatted(2, width: 15) : "              -",
                "|",
                rates[5].formatted(1, width: 9),
                (100 * rates[5] / rates[1]).formatted(0, width: 4) + "%",
                "|",
                rates[6].formatted(1, width: 4),
                (100 * rates[6] / rates[0]).formatted(0, width: 3) + "%",
                "|",
                (100 * measured[4].spread).formatted(0, width: 5) + "%"
            )
            for pointer in [x, weight, out, scratch] { pointer.deallocate() }
        }
    }

    func attentions() {
        print("\n rows heads dimension | one thread GFLOP/s share | 2 threads ms share")
        for (rows, heads, dimension) in [
            (261, 12, 64), (257, 16, 72), (257, 16, 64), (256, 12, 64), (1025, 16, 72), (197, 3, 64),
        ] {
            let qkv = noise(rows * 3 * heads * dimension)
            let out = noise(rows * heads * dimension)
            let scratch = noise(
                attentionScratchCount(rows: rows, headDimension: dimension, teamSize: 2, kernels: kernels)
            )
            let operations = 4 * Double(rows) * Double(rows) * Double(heads * dimension)
            let run = { (team: ComputeTeam) in
                attention(
                    qkv: qkv,
                    rows: rows,
                    headCount: heads,
                    headDimension: dimension,
                    scale: 0.125,
                    into: out,
                    scratch: scratch,
                    team: team,
                    kernels: kernels
                )
            }
            let (rates, measured) = rates([
                limit,
                pairLimit,
                Contender(operations: operations) { run(.solo) },
                Contender(operations: operations, threads: 2) { run(pair) },
            ])
            print(
                String(rows).padded(5),
                String(heads).padded(5),
                String(dimension).padded(9),
                "|",
                (measured[2].median * 1e3).formatted(3, width: 8) + " ms",
                rates[2].formatted(1, width: 6),
                (100 * rates[2] / rates[0]).formatted(0, width: 4) + "%",
                "|",
                (measured[3].median * 1e3).formatted(3, width: 8),
                (100 * rates[3] / rates[1]).formatted(0, width: 4) + "%"
            )
            for pointer in [qkv, out, scratch] { pointer.deallocate() }
        }
    }

    func elementwise() {
        print("\none thread, 257 x 4096 floats | microseconds, nanoseconds a thousand floats")
        let count = 257 * 4096
        let source = noise(count)
        let x = noise(count)
        var cases: [(String, () -> Void)] = [
            ("copy", { x.update(from: source, count: count) }),
            (
                "LayerNorm",
                {
                    layerNorm(
                        source,
                        rows: 1028,
                        width: 1024,
                        weight: source,
                        bias: source,
                        epsilon: 1e-6,
                        into: x,
                        team: .solo,
                        kernels: kernels
                    )
                }
            ),
            ("softmax", { softmax(x, rows: 257, columns: 4096, kernels: kernels) }),
        ]
        for activation in [Epilogue.gelu, .geluTanh, .quickGELU, .silu, .relu6] {
            cases.append(("\(activation)", { activate(x, count: count, activation, kernels: kernels) }))
        }
        let measured = alternate(rounds: rounds, cases.map { Contender(operations: 1e8, body: $0.1) })
        for ((name, _), measurement) in zip(cases, measured) {
            let seconds = measurement.median
            print(
                name.padded(12),
                (seconds * 1e6).formatted(0, width: 8),
                (seconds * 1e12 / Double(count)).formatted(0, width: 8)
            )
        }
        source.deallocate()
        x.deallocate()
    }

    func convolutions() {
        print("\n side channels kernel stride | one thread us GFLOP/s share | 2 threads us")
        for (side, channels, kernel, stride) in [
            (112, 32, 3, 1), (112, 96, 3, 2), (56, 144, 3, 1), (56, 144, 5, 2), (28, 240, 5, 1), (28, 240, 3, 2),
            (14, 480, 3, 1), (14, 480, 5, 1), (14, 672, 5, 1), (14, 672, 5, 2), (7, 1152, 5, 1), (7, 1152, 3, 1),
        ] {
            let outSide = side / stride
            let pad = ((outSide - 1) * stride + kernel - side) / 2
            let x = noise(side * side * channels)
            let out = noise(outSide * outSide * channels)
            let weight = noise(kernel * kernel * channels)
            let conv = DepthwiseConv(
                weight: weight,
                bias: weight,
                channels: channels,
                kernel: kernel,
                stride: stride,
                kernels: kernels
            )
            let run = { (team: ComputeTeam) in
                conv(
                    x,
                    height: side,
                    width: side,
                    padTop: pad,
                    padLeft: pad,
                    outHeight: outSide,
                    outWidth: outSide,
                    into: out,
                    activation: .relu6,
                    team: team
                )
            }
            let operations = 2 * Double(outSide * outSide * channels * kernel * kernel)
            let (rates, measured) = rates([
                limit,
                Contender(operations: operations) { run(.solo) },
                Contender(operations: operations, threads: 2) { run(pair) },
            ])
            print(
                String(side).padded(5),
                String(channels).padded(8),
                String(kernel).padded(6),
                String(stride).padded(6),
                "|",
                (measured[1].median * 1e6).formatted(1, width: 13),
                rates[1].formatted(1, width: 7),
                (100 * rates[1] / rates[0]).formatted(0, width: 4) + "%",
                "|",
                (measured[2].median * 1e6).formatted(1, width: 12)
            )
            for pointer in [x, out, weight] { pointer.deallocate() }
        }
    }
}
