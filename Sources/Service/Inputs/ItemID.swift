// SPDX-License-Identifier: Apache-2.0

import TensorFiles

/// The names that clients give to items: JSON members `id` and file names of a form.
///
/// Responses repeat them in JSON, headers of parts and metadata of files, so what could break a line or a terminal is
/// refused rather than changed: a client finds its items by their ids.
enum ItemID {
    /// The longest id, in bytes of UTF-8; long enough for any file name.
    static let longest = 1024

    /// What is wrong with an id; nil if nothing is.
    static func fault(_ id: String) -> String? {
        guard id.utf8.count <= longest else {
            return "The id '\(printable(id, limit: 64))' has \(id.utf8.count) bytes; at most \(longest) are allowed."
        }
        let breaks: Set<Unicode.GeneralCategory> = [.control, .lineSeparator, .paragraphSeparator]
        guard !id.unicodeScalars.contains(where: { breaks.contains($0.properties.generalCategory) }) else {
            return "The id '\(printable(id, limit: 64))' contains a control character, which is not allowed."
        }
        return nil
    }
}
