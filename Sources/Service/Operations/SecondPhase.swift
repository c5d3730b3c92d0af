// SPDX-License-Identifier: Apache-2.0

import Autoencoder

/// Tasks of an operation that need the results of its first ones.
///
/// All tasks of both phases are reserved in the queue at once. Those of the second wait in turn with those of other
/// callers, as the first ones did, so that they run side by side and others are served in between.
protocol SecondPhase: Sendable {
    /// The outputs requested of each task, whose input is a latent; they decide its cost.
    var outputs: AutoencoderTask.Outputs { get }

    /// How many tasks there are after `itemCount` items that succeeded; no more for fewer items.
    func taskCount(itemCount: Int) -> Int

    /// Builds the tasks.
    ///
    /// - Parameter outcomes: those of the first phase, in the order of the request's items.
    /// - Returns: what the response is made of: an element for each item, or one for several items combined. A failed
    ///   item stays failed.
    /// - Throws: a `Problem` of the whole request.
    func items(after outcomes: [ItemOutcome]) throws(Problem) -> [SecondPhaseItem]
}

/// The tasks whose results make one item of the response.
struct SecondPhaseItem: Sendable {
    let id: String
    let work: Result<Work, Problem>

    struct Work: Sendable {
        /// At least one.
        let tasks: [AutoencoderTask]
        let source: ItemSource
    }
}

extension ItemOutcome {
    /// The second phase of this item alone.
    ///
    /// - Parameter tasks: builds its tasks; not called for an item that failed.
    /// - Returns: the tasks, or the fault of the item.
    func followed(
        by tasks: (_ output: Output) throws(Problem) -> [AutoencoderTask]
    ) -> SecondPhaseItem {
        do throws(Problem) {
            let output = try result.get()
            return SecondPhaseItem(id: id, work: .success(.init(tasks: try tasks(output), source: output.source)))
        } catch {
            return SecondPhaseItem(id: id, work: .failure(error.forItem(id)))
        }
    }
}
