// SPDX-License-Identifier: Apache-2.0

/// Where the service is in its life.
enum ServicePhase: String, Sendable {
    /// Listening, the model is not ready.
    case starting
    case ready
    /// Told to stop: not ready for a balancer, still serving.
    case draining
    /// No longer accepting; what was accepted is finished.
    case stopping
}
