// SPDX-License-Identifier: Apache-2.0

/// A value in a checkpoint file.
package enum CheckpointValue: Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    /// A list, tuple or set.
    case list([CheckpointValue])
    /// Members in the file's order. Integer keys are decimal text; of equal keys the last one's value stays.
    case dictionary([(key: String, value: CheckpointValue)])
    /// Boxed, because otherwise every value would be as large.
    indirect case tensor(StoredTensor)
    /// A value stored by its name only, such as `torch.float32`.
    case other(String)

    /// A member of a dictionary; nil if there is none or this is not a dictionary.
    package subscript(key: String) -> CheckpointValue? {
        guard case .dictionary(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }
}
