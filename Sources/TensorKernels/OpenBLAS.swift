// SPDX-License-Identifier: Apache-2.0

import COpenBLAS
import Glibc
import Synchronization

/// Why OpenBLAS cannot be used.
package enum OpenBLASError: Error, Equatable, CustomStringConvertible {
    /// `reason` is the loader's message.
    case notLoaded(library: String, reason: String)
    case symbolMissing(library: String, name: String)
    /// A build whose integers have 64 bits; its functions would misread ours.
    case wideIntegers(library: String)

    package var description: String {
        switch self {
        case .notLoaded(let library, let reason):
            "OpenBLAS cannot be loaded: \(reason.isEmpty ? library : reason); install libopenblas0-pthread"
        case .symbolMissing(let library, let name):
            "OpenBLAS cannot be used: \(library) has no \(name); install libopenblas0-pthread"
        case .wideIntegers(let library):
            "OpenBLAS cannot be used: \(library) is built with 64-bit integers; install libopenblas0-pthread"
        }
    }
}

/// OpenBLAS, opened at run time and bound to one thread: ``ComputeTeam`` divides the work.
///
/// The program has no link-time dependency on it, so a service that does not use it neither needs nor maps it.
package final class OpenBLAS: Sendable {
    /// Which row blocks keep rows apart, as tried.
    let rowTrials = Mutex<[RowBlocks.Trial: Bool]>([:])
    /// The library's build and the processor that it chose its kernels for.
    package let configuration: String
    let multiply: uae_cblas_sgemm

    /// The soname that Debian's packages of OpenBLAS provide.
    package static let standardLibrary = "libopenblas.so.0"

    /// Limits OpenBLAS to one thread, before it is loaded: its constructor starts a thread for each core otherwise.
    ///
    /// The constructor reads the environment, which other threads may read at any time and only one may change. `uae`
    /// calls this first, while it has one thread. ``init(library:)`` repeats it for tests and benchmarks.
    package static func bindThreadCount() { threadCountBound }

    private static let threadCountBound: Void = {
        _ = setenv("OPENBLAS_NUM_THREADS", "1", 1)
        // Builds on OpenMP ignore the former, and ask OpenMP for the number of threads in every calling thread.
        _ = setenv("OMP_NUM_THREADS", "1", 1)
    }()

    /// Opens the library for the rest of the process's life.
    ///
    /// - Parameter library: a name for the loader to search, or a path.
    /// - Throws: if there is no such library or it is not OpenBLAS.
    package init(library: String = OpenBLAS.standardLibrary) throws(OpenBLASError) {
        Self.bindThreadCount()
        // Never closed: its functions must stay where the layers found them.
        guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
            throw .notLoaded(library: library, reason: dlerror().map { String(cString: $0) } ?? "")
        }
        func symbol(_ name: String) throws(OpenBLASError) -> UnsafeMutableRawPointer {
            guard let address = dlsym(handle, name) else { throw .symbolMissing(library: library, name: name) }
            return address
        }
        multiply = unsafeBitCast(try symbol("cblas_sgemm"), to: uae_cblas_sgemm.self)
        let setThreads = unsafeBitCast(
            try symbol("openblas_set_num_threads"),
            to: uae_openblas_set_num_threads.self
        )
        let describe = unsafeBitCast(
            try symbol("openblas_get_config"),
            to: uae_openblas_get_config.self
        )
        // Another part of the process may have opened the library earlier, with more threads.
        setThreads(1)
        configuration = describe().map { String(cString: $0) } ?? "unknown"
        guard !configuration.contains("USE64BITINT") else { throw .wideIntegers(library: library) }
    }

    /// out = x · weightᵀ on the calling thread.
    ///
    /// - Parameters:
    ///   - x: `[rows, inputs]`, rows `inputStride` floats apart.
    ///   - inputStride: floats from a row of `x` to the next.
    ///   - weight: `[outputs, inputs]`.
    ///   - rows: rows of `x`.
    ///   - outputs: rows of `weight`.
    ///   - inputs: columns of `x` and of `weight`.
    ///   - out: `[rows, outputs]`, rows `outputStride` floats apart.
    ///   - outputStride: floats from a row of `out` to the next.
    package func product(
        _ x: UnsafePointer<Float>,
        inputStride: Int,
        _ weight: UnsafePointer<Float>,
        rows: Int,
        outputs: Int,
        inputs: Int,
        into out: UnsafeMutablePointer<Float>,
        outputStride: Int
    ) {
        multiply(
            CblasRowMajor,
            CblasNoTrans,
            CblasTrans,
            blasint(rows),
            blasint(outputs),
            blasint(inputs),
            1,
            x,
            blasint(inputStride),
            weight,
            blasint(inputs),
            0,
            out,
            blasint(outputStride)
        )
    }
}
