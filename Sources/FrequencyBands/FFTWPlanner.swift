// SPDX-License-Identifier: Apache-2.0

import CFFTW
import Synchronization

/// Makes and destroys FFTW's plans one at a time: its planner is not thread-safe, executing a plan is.
///
/// Plans are estimated, not measured, so that two runs of the server give the same bits. They accept any alignment, so
/// that callers' buffers need no copy.
enum FFTWPlanner {
    private static let lock = Mutex(())

    static let flags = UInt32(FFTW_ESTIMATE) | UInt32(FFTW_UNALIGNED)

    /// - Precondition: FFTW has a plan for the size; it has one for every size above zero.
    static func plan(_ make: () -> fftwf_plan?) -> fftwf_plan {
        // Written under the lock and read after it, by this thread alone.
        nonisolated(unsafe) let make = make
        nonisolated(unsafe) var made: fftwf_plan?
        lock.withLock { _ in made = make() }
        guard let made else { preconditionFailure("FFTW has no plan for this size") }
        return made
    }

    static func destroy(_ plan: OpaquePointer) {
        nonisolated(unsafe) let plan = plan
        lock.withLock { _ in fftwf_destroy_plan(plan) }
    }
}
