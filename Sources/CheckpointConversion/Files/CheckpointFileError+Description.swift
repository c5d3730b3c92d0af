// SPDX-License-Identifier: Apache-2.0

import Glibc
import TensorFiles

extension CheckpointFileError: CustomStringConvertible {
    /// One sentence for the person who gave the file.
    package var description: String {
        switch self {
        case .cannotOpen(let path, let code), .cannotMap(let path, let code):
            "\(path): \(String(cString: strerror(code)))"
        case .notRegular(let path): "\(path) is not a regular file; give a checkpoint file"
        case .empty(let path): "\(path) is empty; download or copy it again"
        case .gitLFSPointer(let path):
            "\(path) is a Git LFS pointer, not the file itself; run 'git lfs pull' where it was cloned"
        case .webPage(let path): "\(path) is a web page, so its download failed; download it again"
        case .foreign(let path, let format): "\(path) is \(format.text)"
        case .unknownFormat(let path, let bytes):
            "\(path) must be a .pt file, safetensors or an index of these; its first bytes are \(hexadecimal(bytes))"
        case .zip(let path, .noDirectory(let bytes)):
            "\(path) ends early, after \(bytes) bytes; download or copy it again"
        case .zip(let path, .compressed(let name, let method)):
            "\(path) is not a readable zip archive: the compressed entry \(printable(name)) has method \(method); "
                + "torch.save stores, so save it again"
        case .zip(let path, let error): "\(path) is not a readable zip archive: \(error)"
        case .torchScript(let path, let entry):
            "\(path) is a TorchScript program (it holds \(printable(entry))); save the model's state_dict with torch.save"
        case .notTorch(let path, let count):
            "\(path) is a zip archive (entries: \(count)) without FOLDER/data.pkl; give the file that torch.save wrote"
        case .severalFolders(let path, let first, let second):
            "\(path) has entries outside the folder \(printable(first)), such as \(printable(second)); "
                + "torch.save writes one folder"
        case .byteOrder(let path, let found):
            "\(path) has the byte order \(printable(found)), must be little; save it again on a little-endian machine"
        case .pickle(let path, .forbidden(let name, _)):
            "\(path) names \(printable(name)), which is not a part of a plain checkpoint, and nothing was run; "
                + "save it again with tensors, numbers, text, lists and dictionaries alone"
        case .pickle(let path, let error): "\(path): its data.pkl cannot be read: \(error.text)"
        case .safetensors(let path, let error): "\(path) is not readable safetensors: \(error)"
        case .indexTooLong(let path, let bytes, let limit): "\(path) has \(bytes) bytes; the limit is \(limit)"
        case .indexNotJSON(let path, let error): "\(path) is not JSON: \(error)"
        case .indexWithoutWeightMap(let path):
            "\(path) is JSON without an object weight_map, so not the index of a sharded checkpoint"
        case .unsafeShardName(let path, let tensor):
            "\(path): the file of \(printable(tensor)) must be the plain name of a file in the same folder"
        case .shardMissing(let path, let shard):
            "\(path) names \(printable(shard)), which is missing; download it to the same folder"
        case .shardIsIndex(let path, let shard): "\(path) names \(printable(shard)), which is an index itself"
        case .tensorNotInShard(let path, let tensor, let shard):
            "\(path) places the tensor \(printable(tensor)) in \(printable(shard)), which does not have it"
        }
    }
}

extension ForeignFormat {
    /// What it is and what to do.
    fileprivate var text: String {
        switch self {
        case .gzip: "compressed with gzip; unpack it first"
        case .tar: "a tar archive; unpack it first"
        case .legacyTorch: "in torch's format before version 1.6; load it and save it again with a newer torch"
        case .pickle: "a bare pickle; save the state_dict with torch.save"
        case .numpy: "a numpy array; give a .pt or safetensors file"
        case .hdf5: "an HDF5 file; give a .pt or safetensors file"
        case .gguf: "a GGUF file; give a .pt or safetensors file"
        }
    }
}

extension PickleError {
    fileprivate var text: String {
        switch self {
        case .tooLong(let bytes, let limit): "it has \(bytes) bytes; the limit is \(limit)"
        case .endsEarly(let offset): "it ends early, at byte \(offset)"
        case .unsupportedProtocol(let version): "it has pickle protocol \(version), must have 2 to 5"
        case .unsupportedOpcode(let opcode, let offset):
            "the opcode \(hexadecimal([opcode])) at byte \(offset) is not one that torch.save writes"
        case .stackEmpty(let offset): "the opcode at byte \(offset) needs a value that is not there"
        case .noMark(let offset): "the opcode at byte \(offset) needs a mark that is not there"
        case .stackTooDeep(let limit, let offset):
            "its stack is deeper than \(limit) at byte \(offset)"
        case .notInMemo(let index, let offset): "byte \(offset) recalls value \(index), which was never stored"
        case .memoTooLarge(let limit, let offset): "it stores more than \(limit) values for later, at byte \(offset)"
        case .tooManyValues(let limit): "it has more than \(limit) values"
        case .textNotUTF8(let offset): "the text at byte \(offset) is not UTF-8"
        case .nameTooLong(let limit, let offset): "the name at byte \(offset) is longer than \(limit) bytes"
        case .forbidden(let name, let offset): "it names \(printable(name)) at byte \(offset); nothing was run"
        case .notCallable(let name, let offset): "it calls \(printable(name)) at byte \(offset); nothing was run"
        case .badArguments(let name, let offset):
            "it gives \(printable(name)) unexpected arguments at byte \(offset)"
        case .wrongTarget(let opcode, let found, let offset):
            "the opcode \(hexadecimal([opcode])) at byte \(offset) cannot change \(found)"
        case .keyWithoutValue(let offset): "a key at byte \(offset) has no value"
        case .badKey(let found): "a dictionary has the key \(found); keys must be text or integers"
        case .badPersistentID(let offset): "the value at byte \(offset) does not name a storage"
        case .storageMissing(let key): "the storage \(printable(key)) is missing; download or save the file again"
        case .storageTooShort(let key, let needed, let found):
            "the storage \(printable(key)) has \(found) bytes, needs \(needed)"
        case .negativeSize(let key, let size): "a tensor in the storage \(printable(key)) has the negative size \(size)"
        case .tooManyAxes(let key, let count, let limit):
            "a tensor in the storage \(printable(key)) has \(count) axes; the limit is \(limit)"
        case .viewOutsideStorage(let key, let shape, let strides, let offset, let count):
            "a tensor of shape \(shape), strides \(strides) and offset \(offset) does not fit the storage "
                + "\(printable(key)) of \(count) elements"
        case .viewTooLarge(let key, let shape, let limit):
            "a tensor of shape \(shape) repeats elements of the storage \(printable(key)); "
                + "the limit is \(limit) elements"
        case .containsItself: "a list or dictionary contains itself"
        case .nestedTooDeeply(let limit): "its values are nested more than \(limit) deep"
        }
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
