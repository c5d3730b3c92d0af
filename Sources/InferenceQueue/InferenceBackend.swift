// SPDX-License-Identifier: Apache-2.0

/// The inference engine as the queue sees it: items and their cost, not the model.
package protocol InferenceBackend: Sendable {
    associatedtype Item: Sendable
    associatedtype Output: Sendable

    /// The number of items that the engine runs in parallel; a batch smaller than this leaves cores idle.
    var parallelism: Int { get }

    /// Work of one item in units of one encode.
    func cost(of item: Item) -> Double

    /// Runs a batch on the calling thread and returns one output an item, in order.
    ///
    /// Called by one thread at a time.
    func run(_ items: [Item]) -> [Output]
}
