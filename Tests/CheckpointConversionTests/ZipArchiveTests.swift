// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Fixtures
import TensorFiles
import Testing

/// Archives of stored entries, and each way in which one may be wrong.
@Suite struct ZipArchiveTests {
    private func read(_ bytes: [UInt8]) throws -> [ZipArchive.Entry] {
        try bytes.withUnsafeBytes { try ZipArchive($0).entries }
    }

    @Test(arguments: [false, true], [[], Array("a comment".utf8)])
    func entriesAreFoundInOrder(isZip64: Bool, comment: [UInt8]) throws {
        var builder = ZipBuilder(entries: [.init("b/one", [1, 2, 3]), .init("a/", []), .init("a/two", [4])])
        builder.isZip64 = isZip64
        builder.comment = comment
        let archive = builder.build()
        let entries = try read(archive.bytes)
        #expect(entries.map(\.name) == ["b/one", "a/", "a/two"])
        #expect(entries.map(\.data.lowerBound) == archive.starts)
        #expect(entries.map(\.data.count) == [3, 0, 1])
    }

    // As miniz writes them for torch: zeros with bit 3, whatever the size.
    @Test func sizesMayBeLeftOutBeforeTheData() throws {
        let entry = ZipBuilder.Entry("a/one", [1, 2]).with {
            $0.flags = 0x0808
            $0.localSize = 0
            // The padding that torch puts before tensors.
            $0.localExtra = Array("FB".utf8) + [4, 0] + Array("ZZZZ".utf8)
        }
        let archive = ZipBuilder(entries: [entry]).build()
        #expect(try read(archive.bytes).map(\.data) == [archive.starts[0]..<archive.starts[0] + 2])
    }

    @Test func largeSizesAndOffsetsComeFromTheExtraField() throws {
        let entry = ZipBuilder.Entry("a/one", [1, 2]).with {
            $0.storedSize = .max
            $0.originalSize = .max
            $0.offset = .max
            // An unknown field, then two sizes and the offset.
            $0.extra = [9, 9, 1, 0, 7] + [1, 0, 24, 0] + bytes([2, 2, 0] as [UInt64])
            $0.localExtra = [1, 0, 16, 0] + bytes([2, 2] as [UInt64])
        }
        let archive = ZipBuilder(entries: [entry]).build()
        #expect(try read(archive.bytes).map(\.data) == [archive.starts[0]..<archive.starts[0] + 2])
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        var archive: ZipBuilder
        var error: ZipError

        var testDescription: String { "\(error)" }

        init(_ entries: [ZipBuilder.Entry], _ error: ZipError, _ change: (inout ZipBuilder) -> Void = { _ in }) {
            archive = ZipBuilder(entries: entries)
            change(&archive)
            self.error = error
        }
    }

    @Test(arguments: faults)
    func everyFaultHasItsError(_ fault: Fault) {
        #expect(throws: fault.error) { try read(fault.archive.build().bytes) }
        #expect(CheckpointFileError.zip(path: "a.pt", fault.error).description.hasPrefix("a.pt is "))
    }

    private static let one = ZipBuilder.Entry("a/one", [1, 2, 3])
    private static let faults: [Fault] = [
        Fault([], .tooManyEntries(count: 1_000_001, limit: 1_000_000)) {
            $0.isZip64 = true
            $0.count = 1_000_001
        },
        Fault([one], .brokenZip64(offset: 145)) {
            $0.isZip64 = true
            $0.zip64Offset = 1
        },
        Fault([one], .brokenZip64(offset: 145)) {
            $0.isZip64 = true
            $0.zip64Offset = .max
        },
        Fault([one], .severalDisks) { $0.disk = 1 },
        Fault([one], .severalDisks) {
            $0.disk = 1
            $0.isZip64 = true
        },
        Fault([one], .directoryBeyondEnd(offset: 38, bytes: 52, available: 89)) { $0.directorySize = 52 },
        Fault([one], .directoryBeyondEnd(offset: .max, bytes: .max, available: 89)) {
            $0.isZip64 = true
            $0.directoryOffset = .max
            $0.directorySize = .max
        },
        Fault([one], .directoryBeyondEnd(offset: 90, bytes: 51, available: 89)) { $0.directoryOffset = 90 },
        Fault([one], .brokenDirectory(entry: 0, offset: 37)) {
            $0.directoryOffset = 37
        },
        Fault([one], .brokenDirectory(entry: 1, offset: 89)) { $0.count = 2 },
        Fault([one], .brokenDirectory(entry: 0, offset: 38)) { $0.directorySize = 50 },
        Fault([one.with { $0.offset = .max }], .brokenDirectory(entry: 0, offset: 38)),
        Fault([one], .directoryLength(expected: 51, found: 0)) { $0.count = 0 },
        Fault([one.with { $0.name = [0x61, 0xFF] }], .nameNotText(entry: 0)),
        Fault([.init("a/../b")], .unsafeName("a/../b")),
        Fault([.init("/a")], .unsafeName("/a")),
        Fault([.init("a\\b")], .unsafeName("a\\b")),
        Fault([.init("a\0")], .unsafeName("a\0")),
        Fault([.init("")], .unsafeName("")),
        Fault([one, one], .duplicateName("a/one")),
        Fault([one.with { $0.flags = 1 }], .encrypted("a/one")),
        Fault([one.with { $0.flags = 0x2000 }], .encrypted("a/one")),
        Fault([one.with { $0.method = 8 }], .compressed("a/one", method: 8)),
        Fault([one.with { $0.originalSize = 1 << 30 }], .sizesDiffer("a/one", stored: 3, original: 1 << 30)),
        Fault([one.with { $0.offset = 1 }], .noLocalHeader("a/one", offset: 1)),
        Fault([one.with { $0.offset = 1 << 30 }], .noLocalHeader("a/one", offset: 1 << 30)),
        Fault([one.with { $0.localName = Array("a/two".utf8) }], .localHeaderDiffers("a/one")),
        Fault([one.with { $0.localMethod = 8 }], .localHeaderDiffers("a/one")),
        Fault([one.with { $0.localSize = .max }], .localHeaderDiffers("a/one")),
        Fault([one.with { $0.localSize = 2 }], .localSizeDiffers("a/one", expected: 3, found: 2)),
        Fault([one.with { $0.localSize = 0 }], .localSizeDiffers("a/one", expected: 3, found: 0)),
        Fault(
            [
                one.with {
                    $0.storedSize = 99
                    $0.originalSize = 99
                }
            ],
            .entryBeyondEnd("a/one", bytes: 99, available: 3)
        ),
        // An entry inside another one's data.
        Fault(
            [
                .init("a/outer", ZipBuilder(entries: [.init("a/inner", [1])]).build().bytes),
                .init("a/inner", [1]).with { $0.offset = 37 },
            ],
            .overlap("a/outer", "a/inner")
        ),
    ]

    @Test(arguments: [0, 1, 21, 22, 70_000])
    func bytesWithoutAnEndRecordEndEarly(count: Int) {
        #expect(throws: ZipError.noDirectory(bytes: count)) { try read([UInt8](repeating: 0x50, count: count)) }
    }
}
