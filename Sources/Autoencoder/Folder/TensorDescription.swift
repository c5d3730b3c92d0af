// SPDX-License-Identifier: Apache-2.0

/// A tensor that a model needs: its name, its shape, and how a random model draws its values.
package struct TensorDescription: Sendable, Equatable {
    /// How random weights are drawn.
    package enum Initialization: Sendable, Equatable {
        /// Around 0 with this standard deviation.
        case spread(Double)
        /// Around 1 with a small deviation.
        case nearOne
        /// The two-dimensional sin-cos position embedding with a class token in front.
        case sinCosPositions
    }

    package let name: String
    package let shape: [Int]
    package let initialization: Initialization

    init(_ name: String, _ shape: [Int], _ initialization: Initialization) {
        self.name = name
        self.shape = shape
        self.initialization = initialization
    }

    package var count: Int { shape.reduce(1, *) }

    /// The same tensor below a prefix.
    func below(_ prefix: String) -> TensorDescription {
        TensorDescription(prefix + "." + name, shape, initialization)
    }

    static func norm(_ prefix: String, _ width: Int) -> [TensorDescription] {
        [
            TensorDescription(prefix + ".weight", [width], .nearOne),
            TensorDescription(prefix + ".bias", [width], .spread(0.02)),
        ]
    }

    static func linear(_ prefix: String, outputs: Int, inputs: Int) -> [TensorDescription] {
        [
            TensorDescription(prefix + ".weight", [outputs, inputs], .spread(1 / Double(inputs).squareRoot())),
            TensorDescription(prefix + ".bias", [outputs], .spread(0.02)),
        ]
    }
}
