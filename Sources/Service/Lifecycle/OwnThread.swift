// SPDX-License-Identifier: Apache-2.0

import InferenceQueue

/// Runs work that takes seconds on a thread of its own.
///
/// Dispatch has one thread per core and shares it with Swift's tasks. On one core, loading a model there would delay
/// signals and deadlines until it is done.
enum OwnThread {
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
        startThread(named: name, body)
    }

    static func run<Value: Sendable>(_ name: String, _ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start(name) { continuation.resume(returning: body()) }
        }
    }
}
