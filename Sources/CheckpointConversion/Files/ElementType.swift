// SPDX-License-Identifier: Apache-2.0

package import TensorFiles

/// The element types that a checkpoint's tensors may have.
package enum ElementType: String, Sendable, CaseIterable {
    case float64
    case float32
    case float16
    case bfloat16
    case int64
    case int32
    case int16
    case int8
    case uint8
    case bool

    package var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    package var isFloatingPoint: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        case .int64, .int32, .int16, .int8, .uint8, .bool: false
        }
    }

    /// The corresponding type of this project's safetensors files; nil if there is none.
    package var tensorDType: TensorDType? {
        switch self {
        case .float32: .float32
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .uint8: .uint8
        case .float64, .int64, .int32, .int16, .int8, .bool: nil
        }
    }

    /// nil: a code that this project cannot read, such as `F8_E4M3`.
    init?(safetensorsCode code: String) {
        switch code {
        case "F64": self = .float64
        case "F32": self = .float32
        case "F16": self = .float16
        case "BF16": self = .bfloat16
        case "I64": self = .int64
        case "I32": self = .int32
        case "I16": self = .int16
        case "I8": self = .int8
        case "U8": self = .uint8
        case "BOOL": self = .bool
        default: return nil
        }
    }
}
