// SPDX-License-Identifier: Apache-2.0

/// Why a pickle is not read; offsets count bytes from its start.
package enum PickleError: Error, Equatable {
    case tooLong(bytes: Int, limit: Int)
    case endsEarly(offset: Int)
    case unsupportedProtocol(UInt8)
    case unsupportedOpcode(UInt8, offset: Int)
    case stackEmpty(offset: Int)
    case noMark(offset: Int)
    case stackTooDeep(limit: Int, offset: Int)
    case notInMemo(index: Int, offset: Int)
    case memoTooLarge(limit: Int, offset: Int)
    case tooManyValues(limit: Int)
    case textNotUTF8(offset: Int)
    case nameTooLong(limit: Int, offset: Int)
    /// A class or function that is not on the list; it is never run.
    case forbidden(name: String, offset: Int)
    case notCallable(name: String, offset: Int)
    case badArguments(name: String, offset: Int)
    /// The opcode changes a value of another kind.
    case wrongTarget(UInt8, found: String, offset: Int)
    case keyWithoutValue(offset: Int)
    case badKey(found: String)
    case badPersistentID(offset: Int)
    case storageMissing(key: String)
    case storageTooShort(key: String, needed: Int, found: Int)
    case negativeSize(key: String, size: Int)
    case tooManyAxes(key: String, count: Int, limit: Int)
    case viewOutsideStorage(key: String, shape: [Int], strides: [Int], offset: Int, count: Int)
    /// A view with strides of 0 has more elements than its storage.
    case viewTooLarge(key: String, shape: [Int], limit: Int)
    case containsItself
    case nestedTooDeeply(limit: Int)
}
