// SPDX-License-Identifier: Apache-2.0

/// Writes pickles opcode by opcode, right or wrong ones.
struct PickleBuilder {
    private(set) var bytes: [UInt8] = []

    init(version: UInt8 = 2) {
        bytes = [0x80, version]
    }

    /// The pickle with its STOP.
    var finished: [UInt8] { bytes + Array(".".utf8) }

    /// Opcodes without arguments, or arguments by hand.
    func raw(_ more: [UInt8]) -> PickleBuilder {
        var builder = self
        builder.bytes += more
        return builder
    }

    func opcodes(_ letters: String) -> PickleBuilder { raw(Array(letters.utf8)) }

    func global(_ module: String, _ name: String) -> PickleBuilder { opcodes("c\(module)\n\(name)\n") }

    func text(_ text: String) -> PickleBuilder { opcodes("X").number(UInt32(text.utf8.count)).opcodes(text) }

    func integer(_ value: Int) -> PickleBuilder { raw([0x8A, 8]).number(Int64(value)) }

    func number(_ value: some FixedWidthInteger) -> PickleBuilder {
        raw(withUnsafeBytes(of: value.littleEndian) { Array($0) })
    }

    func float(_ value: Double) -> PickleBuilder {
        opcodes("G").raw(withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) })
    }

    func integers(_ values: [Int]) -> PickleBuilder {
        values.reduce(opcodes("(")) { $0.integer($1) }.opcodes("t")
    }

    func put(_ index: UInt32) -> PickleBuilder { opcodes("r").number(index) }

    func get(_ index: UInt32) -> PickleBuilder { opcodes("j").number(index) }

    /// A storage by its persistent id.
    func storage(
        _ key: String,
        _ type: (module: String, name: String) = ("torch", "FloatStorage"),
        count: Int
    )
        -> PickleBuilder
    {
        opcodes("(").text("storage").global(type.module, type.name).text(key).text("cpu").integer(count).opcodes("tQ")
    }

    /// A tensor as torch writes it.
    func tensor(
        _ key: String,
        _ type: String = "FloatStorage",
        count: Int,
        offset: Int = 0,
        shape: [Int],
        strides: [Int]
    ) -> PickleBuilder {
        global("torch._utils", "_rebuild_tensor_v2").opcodes("(").storage(key, ("torch", type), count: count)
            .integer(offset).integers(shape).integers(strides).raw([0x89])
            .global("collections", "OrderedDict").opcodes(")RtR")
    }
}
