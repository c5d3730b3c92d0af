// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Fixtures
import Foundation
import Synchronization

/// Golden checkpoints as model folders: each is converted when a test first asks for it, once in a run.
package enum ConvertedModels {
    private static let folders = Mutex<[String: String]>([:])

    /// Everything that a run converts; removed when it ends.
    private static let root: String = {
        let path = NSTemporaryDirectory() + "/uae-converted-\(ProcessInfo.processInfo.processIdentifier)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: ConvertedModels.root) }
        return path
    }()

    /// The model folder of a golden source.
    ///
    /// - Parameters:
    ///   - source: path below `Tests/Fixtures/data/golden`.
    ///   - configuration: a YAML to convert it with, relative to the source.
    /// - Returns: its path.
    /// - Throws: `ConversionError`.
    package static func folder(_ source: String, configuration: String? = nil) throws -> String {
        let key = source + ":" + (configuration ?? "")
        return try folders.withLock { folders in
            if let known = folders[key] { return known }
            let target = root + "/" + String(folders.count)
            var request = ConversionRequest(source: Fixtures.path("golden/" + source))
            request.configuration = configuration
            _ = try convertCheckpoint(request, to: target)
            folders[key] = target
            return target
        }
    }
}
