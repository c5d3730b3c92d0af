// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Why files cannot be read or written as the command line asks.
package enum LocalFileError: Error, Equatable, CustomStringConvertible {
    case missingInput(path: String, errno: Int32)
    case unreadable(path: String, errno: Int32)
    case tooLarge(path: String, limit: Int)
    /// Two inputs have the same result.
    case sharedTarget(target: String, first: String, second: String)
    /// A result would replace an input.
    case targetIsInput(target: String, input: String)
    /// Standard output or a file was named for several results.
    case oneResultOnly(target: String)
    case cannotCreate(path: String, errno: Int32)
    case cannotWrite(path: String, errno: Int32)

    /// As in sysexits.h.
    package var exitCode: Int32 {
        switch self {
        case .sharedTarget, .targetIsInput, .oneResultOnly: 64
        case .tooLarge: 65
        case .missingInput, .unreadable: 66
        case .cannotCreate: 73
        case .cannotWrite: 74
        }
    }

    package var description: String {
        switch self {
        case .missingInput(let path, let code), .unreadable(let path, let code):
            "\(path) cannot be read: \(reason(code))"
        case .tooLarge(let path, let limit): "\(path) is longer than \(limit) bytes"
        case .sharedTarget(let target, let first, let second):
            "\(first) and \(second) have the same result, \(target); use --keep-extensions, or run them apart"
        case .targetIsInput(let target, let input):
            "the result \(target) would replace the input \(input); choose another -o"
        case .oneResultOnly(let target): "\(target) takes one result, and there are several; give -o a folder"
        case .cannotCreate(let path, let code): "\(path) cannot be created: \(reason(code))"
        case .cannotWrite(let path, let code): "\(path) cannot be written: \(reason(code))"
        }
    }

    private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
