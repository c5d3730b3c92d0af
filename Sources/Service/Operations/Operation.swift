// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPWire

/// One operation of the service: its parameters, its tasks and its response.
///
/// A value holds the parameters of one request, read and checked. "How to add an operation" in docs/ARCHITECTURE.md
/// lists what a new operation touches.
protocol Operation: Sendable {
    /// The forms that its response can take.
    associatedtype Form: ResponseForm

    /// Its path below `/` and `/v1/`, its metrics label and its name in error texts.
    static var name: String { get }
    /// The parameters that it accepts; any other is refused.
    static var parameterNames: [String] { get }
    /// Whether an item may be a latent. Images are always accepted.
    static var takesLatents: Bool { get }

    /// The corner that a latent smaller than the grid comes from; nil if such a latent is not accepted.
    static func compactPosition(
        _ given: ParameterSet,
        _ frequency: FrequencyConfiguration
    ) throws(Problem) -> TokenCorner.Position?

    /// Reads the parameters, with `timeoutLimit` as the most that `timeout_ms` can be.
    ///
    /// - Throws: a `Problem` of kind `bad-parameter`.
    init(_ given: ParameterSet, model: AutoencoderModel, timeoutLimit: Duration) throws(Problem)

    var control: ControlParameters { get }
    var image: ImageParameters { get }
    /// The outputs requested of the engine; they decide the cost of an item.
    var outputs: AutoencoderTask.Outputs { get }
    /// How many tasks ``tasks(for:)`` returns for an item.
    var tasksPerItem: Int { get }

    /// Builds the tasks of one item.
    func tasks(for input: AutoencoderTask.Input) throws(Problem) -> [AutoencoderTask]

    /// How many results of the response come of one item; their number is bounded as that of items is.
    var resultsPerItem: Int { get }
    /// The tasks that need the results of ``tasks(for:)``; nil: those are the results of the response.
    var secondPhase: (any SecondPhase)? { get }

    /// Chooses the form of the response: parameters beat `Accept`, which beats the default.
    ///
    /// - Throws: a `Problem` of kind `not-acceptable`.
    func form(accept: AcceptHeader, isJSON: Bool, itemCount: Int) throws(Problem) -> Form

    func response(
        to outcomes: [ItemOutcome],
        as form: Form,
        context: ResponseContext
    ) async throws(Problem) -> Response
}

extension Operation {
    static var takesLatents: Bool { true }
    var tasksPerItem: Int { 1 }
    var resultsPerItem: Int { 1 }
    var secondPhase: (any SecondPhase)? { nil }

    static func compactPosition(
        _ given: ParameterSet,
        _ frequency: FrequencyConfiguration
    ) throws(Problem) -> TokenCorner.Position? {
        nil
    }
}

/// Every operation.
enum Operations {
    static let all: [any Operation.Type] = [Encode.self, Decode.self, Spectrum.self, Classify.self]
}
