// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization

/// Names requests, so that a caller's report and a log line can be matched.
enum RequestID {
    /// Of this process, so that ids of two of them do not meet in a log.
    private static let run = Array("\(String(UInt32.random(in: .min ... .max), radix: 16))-".utf8)
    private static let counter = Atomic<UInt32>(0)

    /// The caller's own id if it is a sane one, else a new one.
    static func of(_ fields: HTTPFields?) -> String {
        if let given = fields?[.requestID], isSane(given) { return given }
        let number = counter.add(1, ordering: .relaxed).newValue
        return String(unsafeUninitializedCapacity: run.count + 8) { octets in
            _ = octets.initialize(fromContentsOf: run)
            for place in 0..<8 {
                let digit = UInt8(truncatingIfNeeded: number >> (28 - 4 * UInt32(place)) & 15)
                octets[run.count + place] = digit < 10 ? 0x30 + digit : 0x57 + digit
            }
            return run.count + 8
        }
    }

    /// 1 to 128 letters, digits, `-`, `_`, `.`, `:`: nothing that could break a log line or a header.
    private static func isSane(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5F: true
                default: false
                }
            }
    }
}
