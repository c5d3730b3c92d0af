// SPDX-License-Identifier: Apache-2.0

/// The phase of the service, from start to stop.
enum ServicePhase: String, Sendable {
    /// Listening; the model is loading.
    case starting
    case ready
    /// Asked to stop: reports not ready to a load balancer, and still serves.
    case draining
    /// Accepts nothing more, and finishes what was accepted.
    case stopping
}
