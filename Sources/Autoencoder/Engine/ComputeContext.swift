// SPDX-License-Identifier: Apache-2.0

import TensorKernels

/// What a network computes with: threads, scratch memory, and a record of the memory and operations that it needed.
///
/// A context either computes or measures. A measuring context hands out addresses that cannot be accessed, skips the
/// bodies of ``compute(_:)`` and `forEach`, and records how much memory and how many operations the forward pass needs.
/// The engine measures each model when it loads and allocates that much. The two passes are the same code, so they
/// cannot disagree:
/// - Arithmetic outside ``compute(_:)`` and `forEach` would access an unmapped address, which crashes at load.
/// - Memory taken inside them, where a measuring pass would not see it, stops any pass at a precondition.
final class ComputeContext: @unchecked Sendable {
    // Sendable because one thread at a time uses it; the team's members see only their scratch.

    /// What one or several forward passes need.
    struct Statistics: Sendable {
        /// Floats of scratch memory.
        var scratchCount = 0
        /// Multiplications and additions of all products.
        var operations = 0.0
    }

    let team: ComputeTeam
    let isMeasuring: Bool
    private(set) var statistics = Statistics()
    private let workspace: Workspace?
    private var scratch: Scratch
    private var isComputing = false

    /// A context that computes in `workspace`; no other context may use it at the same time.
    init(team: ComputeTeam, workspace: Workspace) {
        self.team = team
        self.workspace = workspace
        scratch = Scratch(base: workspace.base, capacity: workspace.capacity)
        isMeasuring = false
    }

    private init(measuringFor team: ComputeTeam) {
        self.team = team
        workspace = nil
        scratch = .unmapped
        isMeasuring = true
    }

    /// What `pass` needs when this team computes it.
    static func measure<Failure: Error>(
        team: ComputeTeam,
        _ pass: (ComputeContext) throws(Failure) -> Void
    ) throws(Failure) -> Statistics {
        let context = ComputeContext(measuringFor: team)
        try pass(context)
        return context.statistics
    }

    /// Measures `pass`, then computes it in a workspace of that size; for passes without an engine.
    static func run(team: ComputeTeam = .solo, _ pass: (ComputeContext) -> Void) {
        let needed = measure(team: team, pass).scratchCount
        guard let workspace = Workspace(capacity: needed) else { fatalError("no memory for \(needed) floats") }
        pass(ComputeContext(team: team, workspace: workspace))
    }

    // MARK: Memory

    /// Uninitialised floats that are valid until the enclosing `scope` ends.
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        precondition(!isComputing, "scratch memory must be taken outside of compute, where a measuring pass sees it")
        defer { statistics.scratchCount = max(statistics.scratchCount, scratch.used) }
        return scratch.take(count)
    }

    /// Runs `body` and gives back what it took.
    func scope<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let mark = scratch.used
        defer { scratch.giveBack(to: mark) }
        return try body()
    }

    // MARK: Work

    /// Counts multiplications and additions.
    func count(operations: Double) {
        statistics.operations += operations
    }

    /// Runs `body`, the only place in which a network may access memory; a measuring pass skips it.
    func compute(_ body: () -> Void) {
        compute(whenMeasuring: (), body)
    }

    /// Runs `body` for a value on which the rest of the pass depends.
    ///
    /// - `worst`: the value for which the rest needs most, with which a measuring pass continues.
    func compute<Value>(whenMeasuring worst: Value, _ body: () -> Value) -> Value {
        guard !isMeasuring else { return worst }
        precondition(!isComputing, "compute is not reentrant")
        isComputing = true
        defer { isComputing = false }
        return body()
    }

    /// Runs `body` once for each of `0..<count`, divided among the team.
    func forEach(_ count: Int, _ body: (_ index: Int) -> Void) {
        compute { team.forEach(count) { index, _ in body(index) } }
    }

    /// The same, with buffers of its own for each member that runs `body`.
    ///
    /// - `buffers`: takes them from the scratch that it gets, the same sizes each time.
    func forEach<Buffers>(
        _ count: Int,
        buffers: (inout Scratch) -> Buffers,
        _ body: (_ index: Int, _ buffers: Buffers) -> Void
    ) {
        var size = Scratch.unmapped
        _ = buffers(&size)
        let stride = size.used
        scope {
            let memory = take(team.size * stride)
            compute {
                team.forEach(count) { index, member in
                    var own = Scratch(base: memory + member * stride, capacity: stride)
                    body(index, buffers(&own))
                }
            }
        }
    }

    /// Runs `body` for parts of `0..<count`, each item of which is worked on by itself, so that the parts do not change
    /// a number.
    func forEachPart(of count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        let parts = parts(of: count)
        forEach(parts) { part in
            let first = count * part / parts
            body(first, count * (part + 1) / parts - first)
        }
    }

    /// The same, with buffers of its own for each member that runs `body`.
    func forEachPart<Buffers>(
        of count: Int,
        buffers: (inout Scratch) -> Buffers,
        _ body: (_ first: Int, _ count: Int, _ buffers: Buffers) -> Void
    ) {
        let parts = parts(of: count)
        forEach(parts, buffers: buffers) { part, buffers in
            let first = count * part / parts
            body(first, count * (part + 1) / parts - first, buffers)
        }
    }

    private func parts(of count: Int) -> Int {
        team.size == 1 ? 1 : min(count, 4 * team.size)
    }
}
