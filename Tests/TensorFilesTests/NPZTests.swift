// SPDX-License-Identifier: Apache-2.0

import Checksums
import Fixtures
import TensorFiles
import Testing

@Suite struct NPZTests {
    private func read(_ bytes: [UInt8], elements: Int = 1 << 20, limit: Int = 1 << 20) throws -> TensorArray {
        var limit = limit
        return try bytes.withUnsafeBytes {
            try readNPZ(
                "latents",
                in: $0,
                maximumElements: elements,
                inflatableBytes: &limit,
                dtypes: TensorDType.floatingPoint
            )
        }
    }

    @Test(arguments: ["stored", "deflated", "fortran-big", "unnamed", "piped", "piped-deflated"])
    func everyFormThatNumpySavesIsRead(name: String) throws {
        #expect(try read(Fixtures.bytes("arrays/\(name).npz")) == NPYTests.saved)
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let tensors = ["latents", "latents_flip"].map {
            OutgoingTensor(name: $0, shape: [1, 2], dtype: .float16, values: $0 == "latents" ? [1, 2] : [3, 4])
        }
        #expect(try read(writeNPZ(tensors)) == TensorArray(shape: [1, 2], values: [1, 2]))
    }

    // 8 MB of zeros in 8 kB: refused by what its own header says, before memory of that size is needed.
    @Test func aLargeArrayInASmallFileIsRefusedByItsHeader() throws {
        let file = try Fixtures.bytes("arrays/zeros.npz")
        #expect(throws: NPZError.tooLarge("latents.npy", bytes: 8_000_000, limit: 7_999_999)) {
            try read(file, limit: 7_999_999)
        }
        let tooMany = NPYError.tooManyElements(count: 1_000_000, limit: 999_999)
        #expect(throws: NPZError.array("latents.npy", tooMany)) { try read(file, elements: 999_999, limit: 8_000_000) }
        #expect(try read(file, limit: 8_000_000).values.count == 1_000_000)
    }

    /// Content as a block of DEFLATE that stores it.
    private static func deflated(_ content: [UInt8]) -> [UInt8] {
        let length = UInt16(content.count)
        return [1] + [length, ~length].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } + content
    }

    private static let array = try? writeNPY(shape: [2], dtype: .float32, values: [1, 2])

    private static func entry(
        deflated isDeflated: Bool,
        _ change: (inout ZipBuilder.Entry) -> Void
    ) -> ZipBuilder.Entry {
        let content = array ?? []
        return ZipBuilder.Entry("latents.npy", isDeflated ? deflated(content) : content).with {
            $0.method = isDeflated ? 8 : 0
            $0.originalSize = UInt32(content.count)
            change(&$0)
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let entries: [ZipBuilder.Entry]
        let error: NPZError

        var testDescription: String { "\(error)" }

        init(_ entries: [ZipBuilder.Entry], _ error: NPZError) {
            self.entries = entries
            self.error = error
        }
    }

    private static let faults: [Fault] = [
        Fault([], .missingArray("latents", arrays: 0)),
        Fault([.init("a.npy"), .init("b.npy"), .init("latents")], .missingArray("latents", arrays: 2)),
        Fault([entry(deflated: false) { _ in }], .checksumDiffers("latents.npy")),
        Fault([entry(deflated: true) { _ in }], .checksumDiffers("latents.npy")),
        Fault([entry(deflated: true) { $0.method = 9 }], .zip(.compressed("latents.npy", method: 9))),
        Fault(
            [entry(deflated: true) { $0.originalSize = 135 }],
            .lengthMismatch("latents.npy", expected: 136, found: 135)
        ),
        Fault(
            [entry(deflated: true) { $0.originalSize = 137 }],
            .lengthMismatch("latents.npy", expected: 136, found: 137)
        ),
        // 141 bytes cannot hold so much.
        Fault(
            [entry(deflated: true) { $0.originalSize = 1032 * 142 }],
            .impossibleSize("latents.npy", bytes: 1032 * 142, compressed: 141)
        ),
        Fault([entry(deflated: true) { $0.originalSize = 0 }], .array("latents.npy", .notNPY)),
        Fault([entry(deflated: true) { $0.content[0] = 7 }], .inflation("latents.npy", .corrupt)),
        Fault(
            [entry(deflated: true) { $0.content.removeLast(4) }],
            .inflation("latents.npy", .endsEarly(bytes: 132, expected: 136))
        ),
        // Not the last block, and nothing follows.
        Fault([entry(deflated: true) { $0.content[0] = 0 }], .inflation("latents.npy", .longer(than: 136))),
    ]

    @Test(arguments: faults)
    func everyFaultHasItsError(_ fault: Fault) {
        #expect(throws: fault.error) { try read(ZipBuilder(entries: fault.entries).build().bytes) }
    }

    @Test func arraysThatAreNoLatentsAreRefused() throws {
        let names = try Fixtures.bytes("arrays/refused-names.npz")
        #expect(throws: NPZError.missingArray("latents", arrays: 2)) { try read(names) }
        let integers = try ZipBuilder(entries: [
            .init("latents.npy", Fixtures.bytes("arrays/refused-int64.npy")).with { $0.checksum = 0 }
        ])
        #expect(throws: NPZError.checksumDiffers("latents.npy")) { try read(integers.build().bytes) }
        // Before it is inflated: the checksum is wrong too.
        let bytes = try writeNPY(shape: [2], dtype: .uint8, values: [1, 2])
        let compressed = ZipBuilder(entries: [
            .init("latents.npy", Self.deflated(bytes)).with {
                $0.method = 8
                $0.originalSize = UInt32(bytes.count)
            }
        ])
        #expect(throws: NPZError.array("latents.npy", .dtypeUnsupported("|u1"))) { try read(compressed.build().bytes) }
    }

    // No cut or changed byte of an archive gives other numbers, or traps.
    @Test(arguments: ["deflated", "piped", "unnamed"])
    func damageIsFound(name: String) throws {
        let file = try Fixtures.bytes("arrays/\(name).npz")
        for count in file.indices { #expect(throws: NPZError.self) { try read(Array(file[..<count])) } }
        for index in file.indices {
            var damaged = file
            damaged[index] ^= 0x15
            if let array = try? read(damaged) { #expect(array == NPYTests.saved, "byte \(index)") }
        }
    }
}
