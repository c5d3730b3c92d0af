// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Makes `count` values on all cores, for models with gigabytes to pack.
///
/// - Throws: the error of the lowest index that failed.
func concurrentMap<Value: Sendable>(
    _ count: Int,
    _ make: @Sendable (Int) throws(ModelError) -> Value
) throws(ModelError) -> [Value] {
    let made = Mutex<[Result<Value, ModelError>?]>(Array(repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: count) { index in
        let result: Result<Value, ModelError>
        do throws(ModelError) {
            result = .success(try make(index))
        } catch {
            result = .failure(error)
        }
        made.withLock { $0[index] = result }
    }
    var values: [Value] = []
    for result in made.withLock({ $0 }) {
        if let result { values.append(try result.get()) }
    }
    return values
}
