// SPDX-License-Identifier: Apache-2.0

import InferenceQueue

/// Work that takes seconds, on a thread of its own.
///
/// Dispatch has a thread a core, and Swift's tasks run on the same ones: with one core, a load on it would keep the
/// process from noticing a signal or a deadline until it is done.
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
