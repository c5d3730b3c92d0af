// SPDX-License-Identifier: Apache-2.0

package import TensorKernels

/// Everything that an operator can set, with the defaults.
package struct ServiceConfiguration: Sendable {
    package var model = "models/default"
    package var head: String?
    package var labels: String?
    package var weightStorage = "float32"
    /// nil: the processor's default.
    package var matrixProducts: MatrixProductSetting?
    package var host = "127.0.0.1"
    package var port = 8080
    package var unixSocket: String?
    /// nil: the process's umask decides.
    package var unixSocketMode: UInt32?
    /// A name or a number; nil: the process's group.
    package var unixSocketGroup: String?
    /// nil: no admin port.
    package var adminPort: Int?
    /// nil: `host`.
    package var adminHost: String?
    /// nil: the floor of the smaller of CPU affinity and the container's CPU quota.
    package var threads: Int?
    package var maxBatchSize = 8
    package var maxBatchDelay = Duration.zero
    package var maxQueueItems = 256
    package var maxClientItems = 64
    package var requestTimeout = Duration.milliseconds(30_000)
    package var maxBodyBytes = 64 << 20
    package var maxInflightBytes = 512 << 20
    package var maxImagePixels = 64_000_000
    package var headerTimeout = Duration.milliseconds(10_000)
    package var bodyTimeout = Duration.milliseconds(20_000)
    package var idleTimeout = Duration.milliseconds(30_000)
    package var writeTimeout = Duration.milliseconds(30_000)
    package var minBytesPerSecond = 256 << 10
    package var maxConnections = 1024
    package var warmupBatch = 1
    package var drainDelay = Duration.milliseconds(5_000)
    package var drainTimeout = Duration.milliseconds(30_000)
    package var watchdog = Duration.milliseconds(60_000)
    package var apiKeyFile: String?
    package var maxKeyRequestsPerMinute = 0
    package var corsOrigins: [String] = []
    package var logFormat = "text"
    package var logLevel = "info"

    package init() {}
}

/// A setting that cannot be used, named as the operator wrote it.
package enum SettingError: Error, Equatable, CustomStringConvertible {
    case unknown(name: String, file: String)
    case invalid(name: String, value: String, expected: String)
    case unreadableFile(path: String, reason: String)
    case unknownFlag(String)
    case missingValue(flag: String)
    case duplicateFlag(String)
    /// An empty flag or variable, such as one that a script fills from a variable of its own that is not set.
    case empty(name: String)

    package var description: String {
        switch self {
        case .unknown(let name, let file): "\(file): there is no setting '\(name)'"
        case .invalid(let name, let value, let expected): "\(name): expected \(expected), got '\(value)'"
        case .unreadableFile(let path, let reason): "\(path): \(reason)"
        case .unknownFlag(let word): "'\(word)' is not a setting; see 'uae serve --help'"
        case .missingValue(let flag): "\(flag) needs a value"
        case .duplicateFlag(let flag): "\(flag) is given twice"
        case .empty(let name): "\(name) is empty; leave it out for the default"
        }
    }
}
