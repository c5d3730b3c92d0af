// SPDX-License-Identifier: Apache-2.0

import CheckpointConversion
import Foundation
import Testing

/// Pickles that `torch.save` and CPython write, and each way in which one may be wrong.
@Suite struct UnpicklerTests {
    // `pickle.dumps(value, protocol)` of CPython 3.11 for the value below, with b'xy' and 2**70 where it says so.
    @Test(arguments: protocols)
    func everyProtocolGivesTheSameValue(version: Int, base64: String) throws {
        let pickle = try #require(Data(base64Encoded: base64))
        let value = try unpickle([UInt8](pickle))
        let expected = """
            {a: [1, -1, 255, 65535, 1099511627776, -1099511627776, <integer of 9 bytes>, 2.5, True, False, None], \
            t: [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]], s: [3], f: [4], 5: <BYTES>, d: {}, o: {k: 'v'}, c: {a: 2}, \
            df: {q: 1}, u: 'é', n: {lr: 0.5}}
            """
        // Protocol 2 has no bytes; they come as a call.
        let bytes = version == 2 ? "_codecs.encode" : "bytes"
        #expect(value.text == expected.replacingOccurrences(of: "BYTES", with: bytes))
    }

    @Test func opcodesThatPythonRarelyWritesWorkToo() throws {
        // DUP, POP, POP_MARK, POP of a mark, SETITEM, APPEND, and a later key that replaces an earlier one.
        let pickle = PickleBuilder().opcodes("}").text("a").opcodes("K\u{1}2(0(N10s").text("b").opcodes("]K\u{7}as")
            .text("a").opcodes("Ns")
        #expect(try unpickle(pickle.finished).text == "{a: None, b: [7]}")
        // BINUNICODE8, BINBYTES, BINBYTES8, BYTEARRAY8 and LONG1 without digits.
        let long = PickleBuilder(version: 5).opcodes("(").raw([0x8D]).number(UInt64(1)).opcodes("zB").number(UInt32(1))
            .opcodes("z").raw([0x8E]).number(UInt64(1)).opcodes("z").raw([0x96]).number(UInt64(0)).raw([0x8A, 0])
            .opcodes("t")
        #expect(try unpickle(long.finished).text == "['z', <bytes>, <bytes>, <bytes>, 0]")
    }

    @Test func keysMayBeWordsOfPython() throws {
        let pickle = PickleBuilder().opcodes("}(").raw([0x88]).opcodes("K\u{1}").raw([0x89]).opcodes("K\u{2}NK\u{3}u")
        #expect(try unpickle(pickle.finished).text == "{True: 1, False: 2, None: 3}")
    }

    @Test func harmlessNamesAreKeptByName() throws {
        let pickle = PickleBuilder().opcodes("(").global("torch", "float16").global("builtins", "int")
            .global("torch", "device").text("cuda").opcodes("K\u{0}").raw([0x86]).opcodes("R")
            .global("torch", "Size").integers([2, 3]).raw([0x85]).opcodes("R").global("numpy", "dtype").text("f8")
            .raw([0x85]).opcodes("R}b").storage("0", count: 1).global("builtins", "list").opcodes(")R")
            .global("collections", "OrderedDict").opcodes("((").text("k").opcodes("Nttt")
        let value = try unpickle(pickle.opcodes("").finished, storages: ["0": [0, 0, 0, 0]])
        #expect(
            value.text == "[<torch.float16>, <builtins.int>, <torch.device>, [2, 3], <numpy.dtype>, <storage>, [], "
                + "<collections.OrderedDict>, [['k', None]]]"
        )
    }

    @Test func dictionariesAreMadeFromPairsAndCopies() throws {
        let pickle = PickleBuilder().global("collections", "OrderedDict").opcodes("((").text("k").opcodes("K\u{1}tt")
            .raw([0x85]).opcodes("R").put(0).opcodes("0(").get(0).global("collections", "Counter").get(0).raw([0x85])
            .opcodes("R").text("j").opcodes("K\u{2}st")
        #expect(try unpickle(pickle.finished).text == "[{k: 1}, {k: 1, j: 2}]")
    }

    @Test func theAttributesOfADictionaryAreIgnored() throws {
        // A state dict's `_metadata`.
        let pickle = PickleBuilder().global("collections", "OrderedDict").opcodes(")R").text("a").opcodes("K\u{1}s}")
            .text("_metadata").opcodes("}sb")
        #expect(try unpickle(pickle.finished).text == "{a: 1}")
    }

    @Test func tensorsAreViewsOfStorages() throws {
        let storage = bytes((0..<6).map(Float.init))
        let pickle = PickleBuilder().opcodes("(").tensor("0", count: 6, shape: [2, 3], strides: [3, 1])
            .tensor("0", count: 6, offset: 1, shape: [2, 2], strides: [1, 3])
            .tensor("0", count: 6, offset: 5, shape: [], strides: [])
            .tensor("0", count: 6, shape: [0, 1 << 40], strides: [1 << 40, 1])
            .tensor("0", count: 6, offset: 2, shape: [3, 2], strides: [0, 1]).opcodes("t")
        guard case .list(let values) = try unpickle(pickle.finished, storages: ["0": storage]) else {
            Issue.record("not a list")
            return
        }
        let tensors = values.compactMap(\.tensor)
        #expect(tensors.map(\.shape) == [[2, 3], [2, 2], [], [0, 1 << 40], [3, 2]])
        #expect(tensors.map(\.count) == [6, 4, 1, 0, 6])
        let floats: [[Float]] = [[0, 1, 2, 3, 4, 5], [1, 4, 2, 5], [5], [], [2, 3, 2, 3, 2, 3]]
        #expect(tensors.map { $0.floats() } == floats)
    }

    @Test func parametersAndUntypedStoragesAreTensorsToo() throws {
        let untyped = PickleBuilder().global("torch._utils", "_rebuild_tensor_v3").opcodes("(")
            .storage("0", ("torch.storage", "UntypedStorage"), count: 8).integer(1).integers([3]).integers([1])
            .raw([0x89]).opcodes("N").global("torch", "bfloat16").opcodes("tR")
        #expect(
            try unpickle(untyped.finished, storages: ["0": bytes([0, 0x3F80, 0x4000, 0x4040] as [UInt16])])
                .tensor?.floats() == [1, 2, 3]
        )
        let parameter = PickleBuilder().global("torch._utils", "_rebuild_parameter").opcodes("(")
            .tensor("0", count: 2, shape: [2], strides: [1]).raw([0x88]).opcodes("NtR")
        let subclass = PickleBuilder().global("torch._tensor", "_rebuild_from_type_v2").opcodes("(")
            .global("torch._utils", "_rebuild_tensor_v2").global("torch.nn.parameter", "Parameter").opcodes("(")
            .storage("0", count: 2).integer(0).integers([2]).integers([1]).raw([0x89]).opcodes("Nt}tR")
        for pickle in [parameter, subclass] {
            let value = try unpickle(pickle.finished, storages: ["0": bytes([1, 2] as [Float])])
            #expect(value.tensor?.floats() == [1, 2])
        }
    }

    @Test func tensorsOfUnreadableTypesAreKeptByName() throws {
        let complex = PickleBuilder().tensor("0", "ComplexFloatStorage", count: 1, shape: [1], strides: [1])
        #expect(try unpickle(complex.finished, storages: ["0": [0]]).text == "<torch.ComplexFloatStorage tensor>")
        let small = PickleBuilder().global("torch._utils", "_rebuild_tensor_v3").opcodes("(")
            .storage("0", ("torch.storage", "UntypedStorage"), count: 1).integer(0).integers([1]).integers([1])
            .raw([0x89]).opcodes("N").global("torch", "float8_e4m3fn").opcodes("tR")
        #expect(try unpickle(small.finished, storages: ["0": [0]]).text == "<torch.float8_e4m3fn tensor>")
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let pickle: [UInt8]
        let error: PickleError

        var testDescription: String { "\(error)" }

        /// What comes after PROTO, and the error; offsets count from the start, PROTO included.
        init(_ pickle: PickleBuilder, _ error: PickleError) {
            self.pickle = pickle.finished
            self.error = error
        }
    }

    @Test(arguments: faults)
    func everyFaultHasItsError(_ fault: Fault) {
        #expect(throws: fault.error) { try unpickle(fault.pickle, storages: ["0": [UInt8](repeating: 0, count: 16)]) }
        #expect(CheckpointFileError.pickle(path: "a.pt", fault.error).description.hasPrefix("a.pt"))
    }

    private static let start = PickleBuilder()
    private static let faults: [Fault] = [
        Fault(PickleBuilder(version: 1), .unsupportedProtocol(1)),
        Fault(PickleBuilder(version: 6), .unsupportedProtocol(6)),
        // INST, OBJ, PERSID, text forms and extensions: old ways to name a class.
        Fault(start.opcodes("(ios\nsystem\n"), .unsupportedOpcode(UInt8(ascii: "i"), offset: 3)),
        Fault(start.opcodes("o"), .unsupportedOpcode(UInt8(ascii: "o"), offset: 2)),
        Fault(start.raw([0x82, 1]), .unsupportedOpcode(0x82, offset: 2)),
        Fault(start, .stackEmpty(offset: 2)),
        Fault(start.opcodes("0"), .stackEmpty(offset: 2)),
        Fault(start.opcodes("N").raw([0x86]), .stackEmpty(offset: 3)),
        Fault(start.opcodes("N(").raw([0x85]), .stackEmpty(offset: 4)),
        Fault(start.opcodes("N("), .stackEmpty(offset: 4)),
        Fault(start.opcodes("q\u{0}"), .stackEmpty(offset: 2)),
        Fault(start.opcodes("t"), .noMark(offset: 2)),
        Fault(start.opcodes("h\u{9}"), .notInMemo(index: 9, offset: 2)),
        Fault(start.get(.max), .notInMemo(index: 4_294_967_295, offset: 2)),
        Fault(start.opcodes("X").number(UInt32(2)).raw([0xFF, 0xFE]), .textNotUTF8(offset: 2)),
        Fault(start.opcodes("X").number(UInt32.max), .endsEarly(offset: 7)),
        Fault(start.raw([0x8D]).number(UInt64.max), .endsEarly(offset: 11)),
        Fault(start.raw([0x8E]).number(UInt64(1) << 63), .endsEarly(offset: 11)),
        Fault(start.raw([0x95]).number(UInt64(2)), .endsEarly(offset: 2)),
        Fault(start.opcodes("c" + String(repeating: "a", count: 5000)), .nameTooLong(limit: 4096, offset: 2)),
        Fault(start.opcodes("cos\nsys"), .endsEarly(offset: 2)),
        Fault(start.global("os", "system"), .forbidden(name: "os.system", offset: 2)),
        Fault(start.opcodes("NN").raw([0x93]), .badArguments(name: "STACK_GLOBAL", offset: 4)),
        Fault(start.global("torch", "float32").opcodes(")R"), .notCallable(name: "torch.float32", offset: 18)),
        Fault(start.opcodes("N)R"), .notCallable(name: "a value", offset: 4)),
        Fault(start.global("torch", "Size").opcodes("NR"), .badArguments(name: "torch.Size", offset: 15)),
        Fault(start.global("torch", "Size").opcodes("N").raw([0x85]).opcodes("R"), badArguments("torch.Size", 16)),
        Fault(
            start.global("builtins", "dict").opcodes("NN").raw([0x86]).opcodes("R"),
            badArguments("builtins.dict", 20)
        ),
        Fault(
            start.global("builtins", "dict").opcodes("N").raw([0x85]).opcodes("R"),
            badArguments("builtins.dict", 19)
        ),
        Fault(
            start.global("builtins", "dict").opcodes("(Nt").raw([0x85]).opcodes("R"),
            badArguments("builtins.dict", 21)
        ),
        Fault(start.global("argparse", "Namespace").opcodes("N").raw([0x85]).opcodes("R"), badNamespace(24)),
        Fault(start.global("argparse", "Namespace").opcodes(")RNb"), badNamespace(25)),
        Fault(start.global("torch._utils", "_rebuild_parameter").opcodes("(NNNtR"), badParameter(40)),
        Fault(start.global("torch._utils", "_rebuild_parameter").opcodes(")R"), badParameter(36)),
        Fault(start.global("torch._utils", "_rebuild_tensor_v2").opcodes("(NNNNtR"), badTensor(41)),
        Fault(
            start.global("torch._tensor", "_rebuild_from_type_v2").opcodes(")R"),
            badArguments("torch._tensor._rebuild_from_type_v2", 40)
        ),
        Fault(
            start.global("torch._tensor", "_rebuild_from_type_v2").put(0).opcodes("(").get(0).get(0).opcodes(")NtR"),
            badArguments("torch._tensor._rebuild_from_type_v2", 58)
        ),
        Fault(start.opcodes("}Na"), .wrongTarget(UInt8(ascii: "a"), found: "a dictionary", offset: 4)),
        Fault(start.opcodes("](NNu"), .wrongTarget(UInt8(ascii: "u"), found: "a list", offset: 6)),
        Fault(start.opcodes("NNb"), .wrongTarget(UInt8(ascii: "b"), found: "None", offset: 4)),
        Fault(start.opcodes("K\u{1}Nb"), .wrongTarget(UInt8(ascii: "b"), found: "an integer", offset: 5)),
        Fault(start.raw([0x88]).opcodes("Na"), .wrongTarget(UInt8(ascii: "a"), found: "a bool", offset: 4)),
        Fault(start.float(1).opcodes("Na"), .wrongTarget(UInt8(ascii: "a"), found: "a float", offset: 12)),
        Fault(start.text("x").opcodes("Na"), .wrongTarget(UInt8(ascii: "a"), found: "text", offset: 9)),
        Fault(start.opcodes("C\u{0}Na"), .wrongTarget(UInt8(ascii: "a"), found: "bytes", offset: 5)),
        Fault(start.opcodes("}(Nu"), .keyWithoutValue(offset: 5)),
        Fault(start.opcodes("}]Ns"), .badKey(found: "a list, tuple or dictionary")),
        Fault(start.opcodes("}").float(0.5).opcodes("Ns"), .badKey(found: "a float")),
        Fault(start.opcodes("}C\u{0}Ns"), .badKey(found: "bytes")),
        Fault(start.opcodes("}").global("torch", "int8").opcodes("Ns"), .badKey(found: "torch.int8")),
        Fault(start.opcodes("}").storage("0", count: 0).opcodes("Ns"), .badKey(found: "a tensor")),
        Fault(start.opcodes("NQ"), .badPersistentID(offset: 3)),
        Fault(start.opcodes(")Q"), .badPersistentID(offset: 3)),
        Fault(start.storage("0", ("torch", "Size"), count: 1), .badPersistentID(offset: 52)),
        Fault(start.storage("0", count: -1), .badPersistentID(offset: 60)),
        Fault(start.storage("1", count: 1), .storageMissing(key: "1")),
        Fault(start.storage("0", count: 5), .storageTooShort(key: "0", needed: 20, found: 16)),
        Fault(start.storage("0", count: .max), .storageTooShort(key: "0", needed: .max, found: 16)),
        Fault(view(offset: -1, [1], [1]), .negativeSize(key: "0", size: -1)),
        Fault(view([-2], [1]), .negativeSize(key: "0", size: -2)),
        Fault(view([2], [-3]), .negativeSize(key: "0", size: -3)),
        Fault(
            view([Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65)),
            .tooManyAxes(key: "0", count: 65, limit: 64)
        ),
        Fault(view([5], [1]), outside([5], [1])),
        Fault(view(offset: 4, [1], [1]), outside([1], [1], offset: 4)),
        Fault(view([2, 2], [3, 1]), outside([2, 2], [3, 1])),
        Fault(view([2], [.max]), outside([2], [.max])),
        Fault(view(offset: .max, [2], [1]), outside([2], [1], offset: .max)),
        Fault(view([1 << 40, 3], [1 << 40, 1]), outside([1 << 40, 3], [1 << 40, 1])),
        Fault(view([1 << 40, 1 << 40], [0, 0]), outside([1 << 40, 1 << 40], [0, 0])),
        Fault(view([1 << 20, 1 << 20], [0, 0]), .viewTooLarge(key: "0", shape: [1 << 20, 1 << 20], limit: 1 << 24)),
        Fault(view([2], [1, 1]), badTensor(168)),
        Fault(start.opcodes("]q\u{0}h\u{0}a"), .containsItself),
        Fault(start.opcodes("}q\u{0}").text("a").opcodes("]h\u{0}as"), .containsItself),
        Fault(start.opcodes(String(repeating: "]", count: 65) + String(repeating: "a", count: 64)), tooDeep),
    ]

    private static let tooDeep = PickleError.nestedTooDeeply(limit: 64)

    private static func badArguments(_ name: String, _ offset: Int) -> PickleError {
        .badArguments(name: name, offset: offset)
    }

    private static func badNamespace(_ offset: Int) -> PickleError { badArguments("argparse.Namespace", offset) }

    private static func badParameter(_ offset: Int) -> PickleError {
        badArguments("torch._utils._rebuild_parameter", offset)
    }

    private static func badTensor(_ offset: Int) -> PickleError {
        badArguments("torch._utils._rebuild_tensor_v2", offset)
    }

    private static func view(offset: Int = 0, _ shape: [Int], _ strides: [Int]) -> PickleBuilder {
        start.tensor("0", count: 4, offset: offset, shape: shape, strides: strides)
    }

    private static func outside(_ shape: [Int], _ strides: [Int], offset: Int = 0) -> PickleError {
        .viewOutsideStorage(key: "0", shape: shape, strides: strides, offset: offset, count: 4)
    }

    @Test func sixtyFourLevelsAreAllowed() throws {
        let pickle = PickleBuilder().opcodes(
            String(repeating: "]", count: 64) + String(repeating: "a", count: 63)
        )
        #expect(
            try unpickle(pickle.finished).text == String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        )
    }

    private static let protocols: [(version: Int, base64: String)] = [
        (
            version: 2,
            base64: """
            gAJ9cQAoWAEAAABhcQFdcQIoSwFK/////0v/Tf//igYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAABAR0AEAAAAAAAAiIlOZVgBAAAA\
            dHEDKClLAYVxBEsBSwKGcQVLAUsCSwOHcQYoSwFLAksDSwR0cQd0cQhYAQAAAHNxCWNfX2J1aWx0aW5fXwpzZXQKcQpdcQtLA2GF\
            cQxScQ1YAQAAAGZxDmNfX2J1aWx0aW5fXwpmcm96ZW5zZXQKcQ9dcRBLBGGFcRFScRJLBWNfY29kZWNzCmVuY29kZQpxE1gCAAAA\
            eHlxFFgGAAAAbGF0aW4xcRWGcRZScRdYAQAAAGRxGH1xGVgBAAAAb3EaY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEbKVJxHFgB\
            AAAAa3EdWAEAAAB2cR5zWAEAAABjcR9jY29sbGVjdGlvbnMKQ291bnRlcgpxIH1xIVgBAAAAYXEiSwJzhXEjUnEkWAIAAABkZnEl\
            Y2NvbGxlY3Rpb25zCmRlZmF1bHRkaWN0CnEmY19fYnVpbHRpbl9fCmxvbmcKcSeFcShScSlYAQAAAHFxKksBc1gBAAAAdXErWAIA\
            AADDqXEsWAEAAABucS1jYXJncGFyc2UKTmFtZXNwYWNlCnEuKYFxL31xMFgCAAAAbHJxMUc/4AAAAAAAAHNidS4=
            """
        ),
        (
            version: 3,
            base64: """
            gAN9cQAoWAEAAABhcQFdcQIoSwFK/////0v/Tf//igYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAABAR0AEAAAAAAAAiIlOZVgBAAAA\
            dHEDKClLAYVxBEsBSwKGcQVLAUsCSwOHcQYoSwFLAksDSwR0cQd0cQhYAQAAAHNxCWNidWlsdGlucwpzZXQKcQpdcQtLA2GFcQxS\
            cQ1YAQAAAGZxDmNidWlsdGlucwpmcm96ZW5zZXQKcQ9dcRBLBGGFcRFScRJLBUMCeHlxE1gBAAAAZHEUfXEVWAEAAABvcRZjY29s\
            bGVjdGlvbnMKT3JkZXJlZERpY3QKcRcpUnEYWAEAAABrcRlYAQAAAHZxGnNYAQAAAGNxG2Njb2xsZWN0aW9ucwpDb3VudGVyCnEc\
            fXEdWAEAAABhcR5LAnOFcR9ScSBYAgAAAGRmcSFjY29sbGVjdGlvbnMKZGVmYXVsdGRpY3QKcSJjYnVpbHRpbnMKaW50CnEjhXEk\
            UnElWAEAAABxcSZLAXNYAQAAAHVxJ1gCAAAAw6lxKFgBAAAAbnEpY2FyZ3BhcnNlCk5hbWVzcGFjZQpxKimBcSt9cSxYAgAAAGxy\
            cS1HP+AAAAAAAABzYnUu
            """
        ),
        (
            version: 4,
            base64: """
            gASVQgEAAAAAAAB9lCiMAWGUXZQoSwFK/////0v/Tf//igYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAABAR0AEAAAAAAAAiIlOZYwB\
            dJQoKUsBhZRLAUsChpRLAUsCSwOHlChLAUsCSwNLBHSUdJSMAXOUj5QoSwOQjAFmlChLBJGUSwVDAnh5lIwBZJR9lIwBb5SMC2Nv\
            bGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWuUjAF2lHOMAWOUaBGMB0NvdW50ZXKUk5R9lIwBYZRLAnOFlFKUjAJkZpRo\
            EYwLZGVmYXVsdGRpY3SUk5SMCGJ1aWx0aW5zlIwDaW50lJOUhZRSlIwBcZRLAXOMAXWUjALDqZSMAW6UjAhhcmdwYXJzZZSMCU5h\
            bWVzcGFjZZSTlCmBlH2UjAJscpRHP+AAAAAAAABzYnUu
            """
        ),
        (
            version: 5,
            base64: """
            gAWVQgEAAAAAAAB9lCiMAWGUXZQoSwFK/////0v/Tf//igYAAAAAAAGKBgAAAAAA/4oJAAAAAAAAAABAR0AEAAAAAAAAiIlOZYwB\
            dJQoKUsBhZRLAUsChpRLAUsCSwOHlChLAUsCSwNLBHSUdJSMAXOUj5QoSwOQjAFmlChLBJGUSwVDAnh5lIwBZJR9lIwBb5SMC2Nv\
            bGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpSMAWuUjAF2lHOMAWOUaBGMB0NvdW50ZXKUk5R9lIwBYZRLAnOFlFKUjAJkZpRo\
            EYwLZGVmYXVsdGRpY3SUk5SMCGJ1aWx0aW5zlIwDaW50lJOUhZRSlIwBcZRLAXOMAXWUjALDqZSMAW6UjAhhcmdwYXJzZZSMCU5h\
            bWVzcGFjZZSTlCmBlH2UjAJscpRHP+AAAAAAAABzYnUu
            """
        ),
    ]
}
