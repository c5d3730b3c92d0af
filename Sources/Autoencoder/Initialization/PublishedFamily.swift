// SPDX-License-Identifier: Apache-2.0

/// The three published models, by encoder; sizes from model.md 2 and 4.
package enum PublishedFamily: String, Sendable, CaseIterable {
    case dinov2Base = "dinov2-base"
    case clipLarge = "clip-large"
    case siglip2Base = "siglip2-base"

    /// The `config.json` of a model of that size.
    ///
    /// - Parameter depths: other numbers of blocks than the published ones, for models small enough to test with.
    /// - Returns: JSON in the form of docs/model-folder.md.
    package func configurationJSON(depths: (encoder: Int, decoder: Int)? = nil) -> String {
        let encoder = sizes
        return """
            {
              "format": "\(ModelConfiguration.format)",
              "name": "random-\(rawValue)",
              "revision": "random",
              "image_side": 256,
              "channels": \(encoder.width),
              "grid_side": 16,
              "encoder": {
                "family": "\(encoder.family)",
                "input_side": \(encoder.inputSide),
                "mean": \(encoder.mean),
                "std": \(encoder.deviation),
                "patch_side": \(encoder.inputSide / 16),
                "width": \(encoder.width),
                "depth": \(depths?.encoder ?? encoder.depth),
                "head_count": \(encoder.headCount),
                "mlp_width": \(encoder.width * 4),
                "layer_norm_epsilon": \(encoder.epsilon)\(self == .dinov2Base ? ",\n    \"register_count\": 4" : "")
              },
              "decoder": {
                "output_side": 256,
                "patch_side": 16,
                "mean": \(encoder.mean),
                "std": \(encoder.deviation),
                "transformer": {
                  "width": 1152,
                  "depth": \(depths?.decoder ?? 28),
                  "head_count": 16,
                  "mlp_width": 4096,
                  "layer_norm_epsilon": 1e-12
                }
              },
              "frequency": { "transform": "dct", "order": "zigzag", "mode": "low", "count": \(encoder.keepCount) }
            }

            """
    }

    private struct Sizes {
        var family: String
        var inputSide: Int
        var width: Int
        var depth: Int
        var headCount: Int
        var epsilon: String
        var mean: [Double]
        var deviation: [Double]
        /// Coefficients that the published setting keeps.
        var keepCount: Int
    }

    private var sizes: Sizes {
        switch self {
        case .dinov2Base:
            Sizes(
                family: "dinov2",
                inputSide: 224,
                width: 768,
                depth: 12,
                headCount: 12,
                epsilon: "1e-6",
                mean: [0.485, 0.456, 0.406],
                deviation: [0.229, 0.224, 0.225],
                keepCount: 64
            )
        case .clipLarge:
            Sizes(
                family: "clip",
                inputSide: 224,
                width: 1024,
                depth: 24,
                headCount: 16,
                epsilon: "1e-5",
                mean: [0.48145466, 0.4578275, 0.40821073],
                deviation: [0.26862954, 0.26130258, 0.27577711],
                keepCount: 64
            )
        case .siglip2Base:
            Sizes(
                family: "siglip2",
                inputSide: 256,
                width: 768,
                depth: 12,
                headCount: 12,
                epsilon: "1e-6",
                mean: [0.5, 0.5, 0.5],
                deviation: [0.5, 0.5, 0.5],
                keepCount: 128
            )
        }
    }

    /// Side of the grid that the published DINOv2's position embedding covers.
    var storedGrid: Int { self == .dinov2Base ? 37 : 16 }
}
