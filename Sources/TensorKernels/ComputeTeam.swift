// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Threads that share the work of one operation and persist between operations.
///
/// The caller is member 0. A member that finds nothing to do spins for some 50 microseconds, then sleeps. One owner at a
/// time may use a team, and not from inside a body; ``solo`` has no threads and serves any number of callers at once.
package final class ComputeTeam: @unchecked Sendable {
    // Unchecked: the C team is shared only through its own atomics and lock; `team` never changes.
    let team: OpaquePointer?

    /// Members, the caller included.
    package let size: Int

    /// The caller alone.
    package static let solo = ComputeTeam(size: 1)

    /// Starts `size - 1` threads; fewer than wanted when the system refuses them.
    package init(size: Int) {
        var size = max(1, min(size, 1024))
        var team: OpaquePointer?
        while size > 1, team == nil {
            team = ck_team_create(size)
            if team == nil { size /= 2 }
        }
        self.team = team
        self.size = size
    }

    deinit {
        if let team { ck_team_destroy(team) }
    }

    /// Runs `body` for `0..<count`, each index once, on whichever member is free; returns when all are done.
    ///
    /// - Parameters:
    ///   - count: indices.
    ///   - body: gets the index and the member (`0..<size`) that runs it, by which it may pick its scratch.
    package func forEach(_ count: Int, _ body: (_ index: Int, _ member: Int) -> Void) {
        guard let team, count > 1 else {
            for index in 0..<max(0, count) { body(index, 0) }
            return
        }
        runSwiftBody(team, count, body)
    }
}

// A closure that does not escape cannot be turned into a pointer without allocating a box for it, but it can be passed:
// as its function and its context, which the C side hands to `ck_team_run`.
@_silgen_name("ck_team_run_swift")
private func runSwiftBody(_ team: OpaquePointer, _ count: Int, _ body: (Int, Int) -> Void)
