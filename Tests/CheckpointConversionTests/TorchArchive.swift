// SPDX-License-Identifier: Apache-2.0

import Fixtures

/// What `torch.save` would write: a folder with a pickle and storages.
func torchArchive(_ pickle: PickleBuilder, storages: [(key: String, content: [UInt8])] = []) -> [UInt8] {
    var builder = ZipBuilder()
    builder.entries = [.init("a/data.pkl", pickle.finished), .init("a/byteorder", Array("little".utf8))]
    builder.entries += storages.map { .init("a/data/\($0.key)", $0.content) }
    builder.entries.append(.init("a/version", Array("3\n".utf8)))
    builder.isZip64 = true
    return builder.build().bytes
}
