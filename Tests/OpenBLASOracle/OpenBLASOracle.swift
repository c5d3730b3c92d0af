// SPDX-License-Identifier: Apache-2.0

import COpenBLAS

/// OpenBLAS on one thread, against which our products are checked and timed.
///
/// The service itself does not link it.
package enum OpenBLASOracle {
    // OpenBLAS starts a thread for each core when it is loaded; from here on it computes on the caller's alone.
    private static let oneThread: Void = openblas_set_num_threads(1)

    /// OpenBLAS's build and the kernels it chose.
    package static var configuration: String {
        openblas_get_config().map { String(cString: $0) } ?? "unknown"
    }

    /// out = x · weightᵀ.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`.
    ///   - weight: `[outputs, inputs]`.
    ///   - rows: of `x`.
    ///   - outputs: rows of `weight`.
    ///   - inputs: columns of both.
    ///   - out: `[rows, outputs]`.
    package static func product(
        _ x: UnsafePointer<Float>,
        _ weight: UnsafePointer<Float>,
        rows: Int,
        outputs: Int,
        inputs: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        _ = oneThread
        cblas_sgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            blasint(rows),
            blasint(outputs),
            blasint(inputs),
            1,
            x,
            blasint(inputs),
            weight,
            blasint(inputs),
            0,
            out,
            blasint(outputs)
        )
    }
}
