// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import Glibc
package import SocketServer
import TensorKernels

/// Why the service does not start, or ends.
///
/// Each error has its own exit code (sysexits.h).
package enum ServiceError: Error, CustomStringConvertible {
    case model(ModelError)
    case socket(SocketServerError)
    case unreadableKeys(path: String)
    case noKeys(path: String)
    /// The process may not use as much memory as the model needs.
    case notEnoughMemory(byteCount: Int, limit: String)
    case tooFewDescriptors(limit: Int, needed: Int)
    /// A batch ran longer than the watchdog allows; the supervisor should restart the process.
    case workerHung(seconds: Double)

    package var exitCode: Int32 {
        switch self {
        case .model(.matrixProducts(.openBLAS)): 69
        case .model(.matrixProducts(.halfPrecision)): 78
        case .model(.memoryExceeded), .model(.noMemory): 71
        case .model: 65
        case .socket: 69
        case .unreadableKeys, .noKeys: 66
        case .workerHung: 70
        case .notEnoughMemory, .tooFewDescriptors: 71
        }
    }

    package var description: String {
        switch self {
        case .model(.matrixProducts(let error)): "\(error)"
        case .model(let error): "the model cannot be loaded: \(error)"
        case .socket(.invalidAddress(let host)): "'\(host)' is not an address of this machine"
        case .socket(.pathTooLong(let path, let limit)): "\(path) is longer than \(limit) bytes"
        case .socket(.cannotListen(let address, let code)): "cannot listen on \(address): \(message(code))"
        case .socket(.socketInUse(let path)): "cannot listen on \(path): another process listens on this socket"
        case .socket(.notASocket(let path)): "cannot listen on \(path): the file exists and is not a socket"
        case .socket(.unknownGroup(let name)): "unix-socket-group: there is no group '\(name)'"
        case .socket(.unusableDescriptor(let descriptor)):
            "descriptor \(descriptor) of LISTEN_FDS is not a listening TCP or Unix socket"
        case .socket(.systemCall(let name, let code)): "\(name) failed: \(message(code))"
        case .unreadableKeys(let path): "\(path): the API keys cannot be read"
        case .noKeys(let path): "\(path): the file has no API key; put one on each line"
        case .notEnoughMemory(let byteCount, let limit):
            "not enough memory: the model needs about \(byteCount >> 20) MB more than \(limit) allows"
        case .tooFewDescriptors(let limit, let needed):
            "\(limit) descriptors (ulimit -n) are too few; at least \(needed) are needed"
        case .workerHung(let seconds): "the inference worker hung for \(Int(seconds)) s"
        }
    }

    private func message(_ code: Int32) -> String { String(cString: strerror(code)) }
}
