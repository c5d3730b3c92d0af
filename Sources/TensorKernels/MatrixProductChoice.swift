// SPDX-License-Identifier: Apache-2.0

/// The operator's choice of a ``MatrixProduct``.
package enum MatrixProductSetting: String, Sendable, CaseIterable {
    case packed
    case openblas
    /// The faster one in a trial at each start. Two starts may choose differently, and results then differ in their
    /// last bits.
    case auto
}

/// Why a start with these settings is refused.
package enum MatrixProductError: Error, Equatable, CustomStringConvertible {
    case openBLAS(OpenBLASError)
    case halfPrecision

    package var description: String {
        switch self {
        case .openBLAS(let error): "\(error), or set matrix-products to packed"
        case .halfPrecision:
            "matrix-products openblas needs weight-storage float32; OpenBLAS multiplies no float16 weights. "
                + "For float16, set matrix-products to packed"
        }
    }
}

/// The product that a model's layers use, and how it was chosen.
package struct MatrixProductChoice: Sendable {
    package let product: MatrixProduct
    /// nil: the processor chose.
    package let setting: MatrixProductSetting?
    /// What `auto` measured.
    package let trial: MatrixProductTrial?
    /// Why the packed kernels were chosen where OpenBLAS was an option; nil otherwise.
    package let note: String?

    /// Chooses, and loads OpenBLAS if it is the setting, on trial, or the default of this processor.
    ///
    /// The default depends on the processor alone, so that results keep their bits from start to start: the packed
    /// kernels where they have fused multiply-adds; elsewhere OpenBLAS, which has kernels for more processors.
    ///
    /// - Parameters:
    ///   - setting: nil for the default.
    ///   - storage: OpenBLAS needs `.float32`.
    ///   - layers: the model's linear layers, for the trial.
    ///   - rows: rows of x in a typical product of the model.
    ///   - kernels: the set that the packed kernels use.
    ///   - load: opens OpenBLAS.
    /// - Throws: if `.openblas` is not available; the other settings then choose the packed kernels.
    package init(
        _ setting: MatrixProductSetting?,
        storage: WeightStorage,
        layers: [LinearShape],
        rows: Int,
        kernels: KernelSet = .best,
        load: () throws(OpenBLASError) -> OpenBLAS
    ) throws(MatrixProductError) {
        self.setting = setting
        guard setting != .packed, setting != nil || !kernels.hasFusedMultiplyAdd else {
            (product, trial, note) = (.packed, nil, nil)
            return
        }
        guard storage == .float32 else {
            if setting == .openblas { throw .halfPrecision }
            (product, trial, note) = (.packed, nil, "OpenBLAS multiplies no float16 weights")
            return
        }
        let library: OpenBLAS
        do {
            library = try load()
        } catch {
            if setting == .openblas { throw .openBLAS(error) }
            (product, trial, note) = (.packed, nil, "\(error)")
            return
        }
        guard setting == .auto else {
            (product, trial, note) = (.openBLAS(library), nil, nil)
            return
        }
        trial = MatrixProductTrial(library, layers: layers, rows: rows, kernels: kernels)
        guard let trial else {
            (product, note) = (.packed, "no layer is large enough for OpenBLAS")
            return
        }
        product = trial.openBLASRate > trial.packedRate ? .openBLAS(library) : .packed
        note = nil
    }
}
