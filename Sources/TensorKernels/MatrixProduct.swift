// SPDX-License-Identifier: Apache-2.0

/// The implementation that multiplies the linear layers of a model.
///
/// Attention, image transforms and layers below ``PlainWeights/leastCount`` weights always use the packed kernels:
/// their matrices are too small to repay a library's own packing of both operands.
package enum MatrixProduct: Sendable {
    /// The kernels of this target, over weights packed once.
    case packed
    /// `cblas_sgemm` on each team member by itself, over row-major weights.
    case openBLAS(OpenBLAS)

    /// `packed` or `openblas`.
    package var name: String {
        switch self {
        case .packed: "packed"
        case .openBLAS: "openblas"
        }
    }
}
