// SPDX-License-Identifier: Apache-2.0

import CKernels

/// What is applied to the result of an operation before it leaves the cache.
package enum Epilogue: Sendable, CaseIterable {
    case none
    /// x Φ(x), the erf form.
    case gelu
    /// The tanh form of GELU.
    case geluTanh
    /// x · sigmoid(1.702 x).
    case quickGELU
    /// max(x, 0).
    case relu
    /// min(max(x, 0), 6).
    case relu6
    /// x · sigmoid(x).
    case silu
    /// The result is added to what the output holds: a residual connection. For products only.
    case accumulate

    var code: ck_epilogue {
        switch self {
        case .none: CK_NONE
        case .gelu: CK_GELU
        case .geluTanh: CK_GELU_TANH
        case .quickGELU: CK_QUICK_GELU
        case .relu: CK_RELU
        case .relu6: CK_RELU6
        case .silu: CK_SILU
        case .accumulate: CK_ACCUMULATE
        }
    }
}

/// Applies an activation to `count` floats in place.
package func activate(
    _ x: UnsafeMutablePointer<Float>,
    count: Int,
    _ activation: Epilogue,
    kernels: KernelSet = .best
) {
    kernels.table.pointee.activate(x, count, activation.code)
}
