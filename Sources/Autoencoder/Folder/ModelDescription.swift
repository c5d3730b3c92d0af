// SPDX-License-Identifier: Apache-2.0

package import FrequencyBands
import TensorFiles

/// What a `config.json` of a transformer model says, for writing one; docs/model-folder.md documents the members.
package struct ModelDescription: Sendable {
    /// A stack of transformer blocks.
    package struct Blocks: Sendable {
        package var width: Int
        package var depth: Int
        package var headCount: Int
        package var mlpWidth: Int
        package var layerNormEpsilon: Double

        package init(width: Int, depth: Int, headCount: Int, mlpWidth: Int, layerNormEpsilon: Double) {
            self.width = width
            self.depth = depth
            self.headCount = headCount
            self.mlpWidth = mlpWidth
            self.layerNormEpsilon = layerNormEpsilon
        }
    }

    package struct Encoder: Sendable {
        package var family: EncoderConfiguration.Family
        package var inputSide: Int
        package var patchSide: Int
        package var blocks: Blocks
        /// DINOv2's register tokens; nothing in the other families.
        package var registerCount: Int?
        package var mean: [Double]
        package var deviation: [Double]

        package var gridSide: Int { inputSide / patchSide }
        /// Channels of the latent.
        package var width: Int { blocks.width }

        package init(
            family: EncoderConfiguration.Family,
            inputSide: Int,
            patchSide: Int,
            blocks: Blocks,
            registerCount: Int? = nil,
            mean: [Double],
            deviation: [Double]
        ) {
            self.family = family
            self.inputSide = inputSide
            self.patchSide = patchSide
            self.blocks = blocks
            self.registerCount = registerCount
            self.mean = mean
            self.deviation = deviation
        }
    }

    package struct Decoder: Sendable {
        /// Side of the token grid that its position table covers.
        package var gridSide: Int
        package var patchSide: Int
        package var blocks: Blocks

        /// Side in pixels of the decoded image.
        package var outputSide: Int { gridSide * patchSide }

        package init(gridSide: Int, patchSide: Int, blocks: Blocks) {
            self.gridSide = gridSide
            self.patchSide = patchSide
            self.blocks = blocks
        }
    }

    package enum Frequency: Sendable, Equatable {
        case none
        /// - `split`: the model's own cut, its count nil where nothing is cut.
        /// - `decodeCount`: tokens of the compact decode; `decodesCorner`: whether it is the default.
        case dct(
            order: FrequencyOrder,
            cutoff: CutoffMode,
            mode: BandMode,
            count: Int?,
            decodeCount: Int?,
            decodesCorner: Bool = true
        )
        case fft(
            schedule: [Double],
            mixingLayers: Int,
            condition: FFTBandConfiguration.Condition,
            denoiserWidth: Int
        )
    }

    package var name: String
    package var revision: String
    /// Side in pixels of the square image that the model takes.
    package var imageSide = 256
    package var encoder: Encoder
    package var decoder: Decoder
    package var frequency: Frequency
    /// Added to the variance; nil for a model without statistics.
    package var normalizationEpsilon: Double?
    /// Classes of a linear probe in `head.safetensors`; nil without one.
    package var headClasses: Int?
    /// Whether there is a `labels.txt`.
    package var hasLabels = false

    package init(name: String, revision: String, encoder: Encoder, decoder: Decoder, frequency: Frequency) {
        self.name = name
        self.revision = revision
        self.encoder = encoder
        self.decoder = decoder
        self.frequency = frequency
    }

    /// The document, in the form of docs/model-folder.md.
    package var json: String {
        var members: [(String, JSONText)] = [
            ("format", .text(ModelConfiguration.format)),
            ("name", .text(name)),
            ("revision", .text(revision)),
            ("image_side", .integer(imageSide)),
            ("channels", .integer(encoder.width)),
            ("grid_side", .integer(encoder.gridSide)),
            ("encoder", encoderJSON),
            ("decoder", decoderJSON),
            ("frequency", frequencyJSON),
        ]
        if let normalizationEpsilon {
            members.append(
                (
                    "normalization",
                    .object([("file", .text("stats.safetensors")), ("epsilon", .number(normalizationEpsilon))])
                )
            )
        }
        if let headClasses {
            members.append(
                ("head", .object([("classes", .integer(headClasses)), ("file", .text("head.safetensors"))]))
            )
        }
        if hasLabels { members.append(("labels", .text("labels.txt"))) }
        return JSONText.object(members).indented() + "\n"
    }

    private var encoderJSON: JSONText {
        var members: [(String, JSONText)] = [
            ("family", .text(encoder.family.rawValue)),
            ("input_side", .integer(encoder.inputSide)),
            ("mean", .numbers(encoder.mean)),
            ("std", .numbers(encoder.deviation)),
            ("patch_side", .integer(encoder.patchSide)),
        ]
        members += encoder.blocks.members
        if let count = encoder.registerCount { members.append(("register_count", .integer(count))) }
        return .object(members)
    }

    private var decoderJSON: JSONText {
        .object([
            ("output_side", .integer(decoder.outputSide)),
            ("patch_side", .integer(decoder.patchSide)),
            ("mean", .numbers(encoder.mean)),
            ("std", .numbers(encoder.deviation)),
            ("transformer", .object([("grid_side", .integer(decoder.gridSide))] + decoder.blocks.members)),
        ])
    }

    private var frequencyJSON: JSONText {
        switch frequency {
        case .none: return .object([("transform", .text("none"))])
        case .dct(let order, let cutoff, let mode, let count, let decodeCount, let decodesCorner):
            var members: [(String, JSONText)] = [
                ("transform", .text("dct")),
                ("order", .text(order.rawValue)),
                ("cutoff", .text(cutoff.rawValue)),
                ("mode", .text(mode.rawValue)),
            ]
            if let count { members.append(("count", .integer(count))) }
            if let decodeCount { members.append(("decode_count", .integer(decodeCount))) }
            if !decodesCorner { members.append(("decode_by_default", .boolean(false))) }
            return .object(members)
        case .fft(let schedule, let mixingLayers, let condition, let denoiserWidth):
            return .object([
                ("transform", .text("fft")),
                ("schedule", .numbers(schedule)),
                ("mixing_layers", .integer(mixingLayers)),
                ("condition", .text(condition.rawValue)),
                ("denoiser_width", .integer(denoiserWidth)),
            ])
        }
    }
}

extension ModelDescription.Blocks {
    fileprivate var members: [(String, JSONText)] {
        [
            ("width", .integer(width)),
            ("depth", .integer(depth)),
            ("head_count", .integer(headCount)),
            ("mlp_width", .integer(mlpWidth)),
            ("layer_norm_epsilon", .number(layerNormEpsilon)),
        ]
    }
}

/// JSON output, indented for readers.
private indirect enum JSONText {
    case text(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case numbers([Double])
    case object([(String, JSONText)])

    func indented(_ margin: String = "") -> String {
        switch self {
        case .text(let text): return jsonQuoted(text)
        case .integer(let number): return String(number)
        case .number(let number): return String(number)
        case .boolean(let flag): return String(flag)
        case .numbers(let numbers): return "[" + numbers.map { String($0) }.joined(separator: ", ") + "]"
        case .object(let members):
            let inner = margin + "  "
            let lines = members.map { "\(inner)\(jsonQuoted($0.0)): \($0.1.indented(inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(margin)}"
        }
    }
}
