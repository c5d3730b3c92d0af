// SPDX-License-Identifier: Apache-2.0

/// Waits to the end although the surrounding task is cancelled: a drain must not be cut short.
enum Uncancelled {
    static func sleep(for duration: Duration) async {
        await Task.detached { try? await Task.sleep(for: duration) }.value
    }
}
