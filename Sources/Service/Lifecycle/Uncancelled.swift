// SPDX-License-Identifier: Apache-2.0

/// Waiting that goes on although the surrounding task is cancelled: a drain must not be cut short.
enum Uncancelled {
    static func sleep(for duration: Duration) async {
        await Task.detached { try? await Task.sleep(for: duration) }.value
    }
}
