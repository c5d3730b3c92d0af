// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// Files that the tests read, found beside this source so that no bundle has to be built.
package enum Fixtures {
    /// The folder `Tests/Fixtures/data`.
    package static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "data")

    /// The path of a file below `Tests/Fixtures/data`.
    package static func path(_ name: String) -> String {
        directory.appending(path: name).path()
    }

    /// The bytes of a file below `Tests/Fixtures/data`.
    package static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appending(path: name)))
    }

    /// The repository's top folder.
    package static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}
