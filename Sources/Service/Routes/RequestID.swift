// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// Names requests, so that the report of a client can be matched to a log line.
enum RequestID {
    /// Differs between processes, so that their ids do not collide in a log.
    private static let run = Array("\(String(UInt32.random(in: .min ... .max), radix: 16))-".utf8)
    private static let counter = Atomic<UInt32>(0)

    /// The client's own id if it is safe to repeat, else a new one.
    static func of(_ fields: HTTPFields?) -> String {
        if let given = fields?[.requestID], isSafe(given) { return given }
        let number = counter.add(1, ordering: .relaxed).newValue
        return String(unsafeUninitializedCapacity: run.count + 8) { bytes in
            _ = bytes.initialize(fromContentsOf: run)
            for place in 0..<8 {
                let digit = UInt8(truncatingIfNeeded: number >> (28 - 4 * UInt32(place)) & 15)
                bytes[run.count + place] = digit < 10 ? 0x30 + digit : 0x57 + digit
            }
            return run.count + 8
        }
    }

    /// 1 to 128 letters, digits, `-`, `_`, `.`, `:`: nothing that could break a log line or a header.
    private static func isSafe(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5F: true
                default: false
                }
            }
    }
}
