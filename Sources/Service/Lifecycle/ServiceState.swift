// SPDX-License-Identifier: Apache-2.0

import InferenceQueue
import Synchronization

/// The service's phase and, once it is loaded, its model.
///
/// Shared by the handler and the lifecycle.
final class ServiceState: Sendable {
    private struct Value {
        var phase = ServicePhase.starting
        var core: InferenceCore?
    }

    private let value = Mutex(Value())

    var phase: ServicePhase { value.withLock { $0.phase } }

    var core: InferenceCore? { value.withLock { $0.core } }

    func start(_ core: InferenceCore) {
        value.withLock { value in
            value.core = core
            if value.phase == .starting { value.phase = .ready }
        }
    }

    func enter(_ phase: ServicePhase) {
        value.withLock { $0.phase = phase }
    }

    /// Why the service is not ready; nil if it is.
    func unreadiness() -> Problem? {
        let (phase, core) = value.withLock { ($0.phase, $0.core) }
        switch phase {
        case .starting: return .starting
        case .draining, .stopping: return .draining
        case .ready: break
        }
        if core?.health.isDamaged == true { return .modelDamaged }
        if let busy = core?.queue.snapshot(), busy.isHung { return .workerUnhealthy(busyFor: busy.busyFor ?? .zero) }
        return nil
    }
}
