// SPDX-License-Identifier: Apache-2.0

import CKernels

/// Threads that divide the work of an operation among them and persist between operations.
///
/// The caller is member 0. An idle member spins for some 50 microseconds, then sleeps. A member that the system does not
/// run while the others wait for it rests for a while, so that a busy core does not slow the team down. Only one owner
/// at a time may use a team, and not from inside a body; ``solo`` has no threads and serves any number of callers at
/// once.
package final class ComputeTeam: @unchecked Sendable {
    // Unchecked: the C team is shared only through its own atomics and lock; `team` never changes.
    let team: OpaquePointer?

    /// Members, the caller included.
    package let size: Int

    /// How often a member rested because it had not run while the others waited for it.
    package var restCount: Int { team.map { ck_team_rests($0) } ?? 0 }

    /// The caller alone.
    package static let solo = ComputeTeam(size: 1)

    /// Starts `size - 1` threads, or fewer if the system refuses them.
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

    /// Runs `body` once for each index of `0..<count`, on any free member; returns when all are done.
    ///
    /// - Parameters:
    ///   - count: indices.
    ///   - body: gets the index and the number (`0..<size`) of the member that runs it, which may select its scratch.
    package func forEach(_ count: Int, _ body: (_ index: Int, _ member: Int) -> Void) {
        guard let team, count > 1 else {
            for index in 0..<max(0, count) { body(index, 0) }
            return
        }
        runSwiftBody(team, count, body)
    }
}

// Turning a non-escaping closure into a pointer would allocate a box. Passing it does not: C receives its function and
// its context, and passes both to `ck_team_run`.
@_silgen_name("ck_team_run_swift")
private func runSwiftBody(_ team: OpaquePointer, _ count: Int, _ body: (Int, Int) -> Void)
