// SPDX-License-Identifier: Apache-2.0

import TensorKernels
import Testing

@Suite struct MatrixProductChoiceTests {
    private static let layers = [
        LinearShape(outputs: 3072, inputs: 768, count: 12), LinearShape(outputs: 16, inputs: 16),
    ]
    private static let missing = OpenBLASError.notLoaded(library: "lib", reason: "lib: not there")
    private static let baseline = KernelSet.available.first { !$0.hasFusedMultiplyAdd }

    private func choice(
        _ setting: MatrixProductSetting?,
        storage: WeightStorage = .float32,
        layers: [LinearShape] = Self.layers,
        kernels: KernelSet = .best,
        isInstalled: Bool = true
    ) throws -> (choice: MatrixProductChoice, loads: Int) {
        var loads = 0
        let choice = try MatrixProductChoice(
            setting,
            storage: storage,
            layers: layers,
            rows: 257,
            kernels: kernels
        ) { () throws(OpenBLASError) in
            loads += 1
            guard isInstalled else { throw Self.missing }
            return try OpenBLAS()
        }
        return (choice, loads)
    }

    @Test func packedNeedsNoLibrary() throws {
        let (choice, loads) = try choice(.packed)
        #expect(choice.product.name == "packed" && choice.note == nil && loads == 0)
    }

    @Test func theProcessorDecidesTheDefault() throws {
        for kernels in KernelSet.available {
            let (choice, loads) = try choice(nil, kernels: kernels)
            #expect(choice.product.name == (kernels.hasFusedMultiplyAdd ? "packed" : "openblas"), "\(kernels)")
            #expect(loads == (kernels.hasFusedMultiplyAdd ? 0 : 1) && choice.trial == nil)
        }
        guard let baseline = Self.baseline else { return }
        let without = try choice(nil, kernels: baseline, isInstalled: false).choice
        #expect(without.product.name == "packed" && without.note == "\(Self.missing)")
    }

    @Test func openBLASIsLoadedOrTheStartIsRefused() throws {
        #expect(try choice(.openblas).choice.product.name == "openblas")
        #expect(throws: MatrixProductError.openBLAS(Self.missing)) { try choice(.openblas, isInstalled: false) }
        #expect(
            "\(MatrixProductError.openBLAS(Self.missing))"
                == "OpenBLAS cannot be loaded: lib: not there; install libopenblas0-pthread, or set matrix-products to packed"
        )
        #expect(throws: MatrixProductError.halfPrecision) { try choice(.openblas, storage: .float16) }
        #expect("\(MatrixProductError.halfPrecision)".contains("matrix-products openblas needs weight-storage float32"))
    }

    @Test(arguments: KernelSet.available)
    func autoKeepsTheFasterOne(kernels: KernelSet) throws {
        let choice = try choice(.auto, kernels: kernels).choice
        let trial = try #require(choice.trial)
        #expect(trial.packedRate > 0 && trial.openBLASRate > 0 && trial.ratio >= 1)
        #expect(choice.product.name == (trial.openBLASRate > trial.packedRate ? "openblas" : "packed"))
        #expect(choice.setting == .auto && choice.note == nil)
    }

    @Test func autoGoesOnWithThePackedKernelsAndSaysWhy() throws {
        let without = try choice(.auto, isInstalled: false).choice
        #expect(without.product.name == "packed" && without.note == "\(Self.missing)" && without.trial == nil)
        let half = try choice(.auto, storage: .float16)
        #expect(half.choice.product.name == "packed" && half.loads == 0)
        #expect(half.choice.note == "OpenBLAS multiplies no float16 weights")
        let small = try choice(.auto, layers: [LinearShape(outputs: 16, inputs: 16)]).choice
        #expect(small.product.name == "packed" && small.note == "no layer is large enough for OpenBLAS")
    }
}
