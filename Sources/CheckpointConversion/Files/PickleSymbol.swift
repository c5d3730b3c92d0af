// SPDX-License-Identifier: Apache-2.0

/// A class or function that a pickle may name, and its replacement here.
struct PickleSymbol {
    enum Role {
        case dictionary
        /// A dictionary whose members are set by BUILD.
        case namespace
        case list
        /// nil: elements that cannot be read here.
        case storage(ElementType?)
        /// A storage in bytes; the tensor gives the element type.
        case untypedStorage
        case elementType(ElementType?)
        case tensor
        case tensorWithType
        case parameter
        /// Wraps one of the three functions above.
        case tensorSubclass
        /// A call returns a value stored by its name only.
        case opaque
        /// Cannot be called.
        case name
    }

    let name: String
    let role: Role

    /// nil for everything that is not on the list.
    ///
    /// - Parameter name: module and name with a dot between them.
    init?(_ name: String) {
        guard let role = Self.allowed[name] else { return nil }
        self.name = name
        self.role = role
    }

    private static let allowed: [String: Role] = {
        var roles: [String: Role] = [
            "collections.OrderedDict": .dictionary,
            "collections.defaultdict": .dictionary,
            "collections.Counter": .dictionary,
            "argparse.Namespace": .namespace,
            "torch.Size": .list,
            "torch.storage.UntypedStorage": .untypedStorage,
            "torch._utils._rebuild_tensor_v2": .tensor,
            "torch._utils._rebuild_tensor_v3": .tensorWithType,
            "torch._utils._rebuild_parameter": .parameter,
            "torch._utils._rebuild_parameter_with_state": .parameter,
            "torch._tensor._rebuild_from_type_v2": .tensorSubclass,
            "torch.Tensor": .name,
            "torch.nn.parameter.Parameter": .name,
            "torch.device": .opaque,
            "numpy.dtype": .opaque,
            "_codecs.encode": .opaque,
        ]
        // Protocol 2 writes Python 2's names.
        for module in ["builtins", "__builtin__"] {
            roles[module + ".dict"] = .dictionary
            for name in ["list", "set", "frozenset"] { roles[module + "." + name] = .list }
            for name in ["int", "long", "float", "bool", "str", "unicode"] { roles[module + "." + name] = .name }
        }
        for module in ["numpy.core.multiarray", "numpy._core.multiarray"] { roles[module + ".scalar"] = .opaque }
        let storages: [(String, ElementType?)] = [
            ("Double", .float64), ("Float", .float32), ("Half", .float16), ("BFloat16", .bfloat16), ("Long", .int64),
            ("Int", .int32), ("Short", .int16), ("Char", .int8), ("Byte", .uint8), ("Bool", .bool),
            ("ComplexDouble", nil), ("ComplexFloat", nil),
        ]
        for (name, type) in storages { roles["torch.\(name)Storage"] = .storage(type) }
        for type in ElementType.allCases { roles["torch.\(type.rawValue)"] = .elementType(type) }
        let unreadable = [
            "complex32", "complex64", "complex128", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e4m3fnuz",
            "float8_e5m2", "float8_e5m2fnuz",
        ]
        for name in unreadable { roles["torch." + name] = .elementType(nil) }
        return roles
    }()
}
