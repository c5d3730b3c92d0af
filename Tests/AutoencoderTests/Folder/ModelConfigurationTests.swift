// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import Testing

/// What a `config.json` may say, and each way in which it may be wrong.
@Suite struct ModelConfigurationTests {
    @Test func goldenConfigurationsAreReadInFull() throws {
        let configuration = try ModelConfiguration(json: Fixtures.bytes("golden/dinov2/model/config.json"))
        #expect(configuration.name == "golden-dinov2")
        #expect(configuration.imageSide == 256)
        #expect(configuration.outputSide == 256)
        #expect(configuration.channels == 96)
        #expect(configuration.gridSide == 16)
        #expect(configuration.latentCount == 96 * 256)
        #expect(configuration.encoder.family == .dinov2)
        #expect(configuration.encoderInputSide == 224)
        #expect(configuration.frequency.split == BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 64))
        #expect(configuration.normalization?.epsilon == 1e-5)
        #expect(configuration.head == nil)
    }

    @Test func textsThatAreNoConfiguration() {
        #expect(throws: ConfigurationError.notJSON(.unexpectedEnd(offset: 0))) { try ModelConfiguration(json: []) }
        #expect(throws: ConfigurationError.wrongType(path: "", expected: "object", found: "array")) {
            try ModelConfiguration(json: Array("[]".utf8))
        }
        #expect(throws: ConfigurationError.tooLong(bytes: (1 << 20) + 1, limit: 1 << 20)) {
            try ModelConfiguration(json: [UInt8](repeating: 0x20, count: (1 << 20) + 1))
        }
    }

    /// A change to a configuration, and the error that it must cause.
    struct Fault: Sendable, CustomTestStringConvertible {
        var model = "golden/dinov2/model"
        /// Members from the outside in; numbers are array positions.
        var place: [String]
        /// JSON; nil removes the member.
        var value: String?
        var error: ConfigurationError

        var testDescription: String { "\(place.joined(separator: ".")) = \(value ?? "nothing")" }
    }

    @Test(arguments: faults)
    func everyFaultHasItsError(_ fault: Fault) throws {
        let bytes = try Fixtures.bytes(fault.model + "/config.json")
        var tree = try JSONSerialization.jsonObject(with: Data(bytes))
        let value = try fault.value.map {
            try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
        }
        tree = try #require(Self.replacing(fault.place[...], with: value, in: tree))
        let json = try JSONSerialization.data(withJSONObject: tree)
        #expect(throws: fault.error) { try ModelConfiguration(json: [UInt8](json)) }
    }

    private static func replacing(_ place: ArraySlice<String>, with value: Any?, in tree: Any) -> Any? {
        guard let first = place.first else { return value }
        if var array = tree as? [Any], let index = Int(first) {
            array[index] = replacing(place.dropFirst(), with: value, in: array[index]) ?? NSNull()
            return array
        }
        var object = tree as? [String: Any] ?? [:]
        object[first] = replacing(place.dropFirst(), with: value, in: object[first] ?? NSNull())
        return object
    }

    static let lite = "models/all-layers"
    static let banded = "models/fft-bands"
    static let packing = "models/packing"

    static let faults: [Fault] = [
        // SSIM's window has 11 pixels a side.
        Fault(
            model: lite,
            place: ["image_side"],
            value: "10",
            error: .outOfRange(path: "image_side", value: 10, minimum: 11, maximum: 1024)
        ),
        Fault(
            place: ["format"],
            value: "\"uae-model/2\"",
            error: .formatUnknown(found: "uae-model/2", supported: "uae-model/1")
        ),
        Fault(place: ["name"], value: nil, error: .missing(path: "name")),
        Fault(place: ["name"], value: "null", error: .missing(path: "name")),
        Fault(place: ["name"], value: "\"\"", error: .empty(path: "name")),
        Fault(place: ["name"], value: "7", error: .wrongType(path: "name", expected: "string", found: "number")),
        Fault(place: ["colour"], value: "1", error: .unknownMember(path: "colour")),
        Fault(place: ["encoder", "detph"], value: "1", error: .unknownMember(path: "encoder.detph")),
        Fault(
            place: ["decoder"],
            value: "true",
            error: .wrongType(path: "decoder", expected: "object", found: "boolean")
        ),
        Fault(
            place: ["channels"],
            value: "9000",
            error: .outOfRange(path: "channels", value: 9000, minimum: 1, maximum: 8192)
        ),
        Fault(
            place: ["channels"],
            value: "1e300",
            error: .outOfRange(path: "channels", value: 1e300, minimum: 1, maximum: 8192)
        ),
        Fault(
            place: ["channels"],
            value: "96.5",
            error: .wrongType(path: "channels", expected: "integer", found: "number")
        ),
        Fault(place: ["channels"], value: "95", error: .channelsMismatch(path: "channels", expected: 96, found: 95)),
        Fault(place: ["grid_side"], value: "15", error: .gridMismatch(path: "grid_side", expected: 16, found: 15)),
        Fault(
            place: ["encoder", "family"],
            value: "\"vit\"",
            error: .notAmong(
                path: "encoder.family",
                value: "vit",
                allowed: ["dinov2", "clip", "siglip2", "mae", "uae-lite"]
            )
        ),
        Fault(
            place: ["encoder", "mean"],
            value: "[1, 2]",
            error: .countMismatch(path: "encoder.mean", expected: 3, found: 2)
        ),
        Fault(
            place: ["encoder", "mean"],
            value: "1",
            error: .wrongType(path: "encoder.mean", expected: "array", found: "number")
        ),
        Fault(
            place: ["encoder", "std", "1"],
            value: "0",
            error: .outOfRange(path: "encoder.std[1]", value: 0, minimum: 1e-6, maximum: 1000)
        ),
        Fault(
            place: ["encoder", "head_count"],
            value: "5",
            error: .headsDoNotDivideWidth(path: "encoder.head_count", width: 96, headCount: 5)
        ),
        Fault(
            place: ["encoder", "patch_side"],
            value: "15",
            error: .patchesDoNotFillImage(path: "encoder.patch_side", side: 224, patchSide: 15)
        ),
        Fault(
            place: ["decoder", "patch_side"],
            value: "15",
            error: .patchesDoNotFillImage(path: "decoder.patch_side", side: 256, patchSide: 15)
        ),
        Fault(place: ["decoder", "transformer"], value: nil, error: .missing(path: "decoder.transformer")),
        Fault(
            place: ["decoder", "transformer", "grid_side"],
            value: "8",
            error: .gridMismatch(path: "decoder.transformer.grid_side", expected: 16, found: 8)
        ),
        Fault(
            place: ["frequency", "decode_by_default"],
            value: "3",
            error: .wrongType(path: "frequency.decode_by_default", expected: "boolean", found: "number")
        ),
        Fault(place: ["decoder", "linear"], value: "true", error: .unknownMember(path: "decoder.linear")),
        Fault(place: ["decoder", "convolutional"], value: "{}", error: .unknownMember(path: "decoder.convolutional")),
        Fault(
            place: ["frequency", "count"],
            value: "257",
            error: .outOfRange(path: "frequency.count", value: 257, minimum: 0, maximum: 256)
        ),
        Fault(
            place: ["frequency", "transform"],
            value: "\"dwt\"",
            error: .notAmong(path: "frequency.transform", value: "dwt", allowed: ["dct", "none", "fft"])
        ),
        Fault(
            place: ["normalization", "file"],
            value: "\"../secret\"",
            error: .unsafeFileName(path: "normalization.file", value: "../secret")
        ),
        Fault(place: ["labels"], value: "\"..\"", error: .unsafeFileName(path: "labels", value: "..")),
        Fault(
            place: ["head"],
            value: "{\"classes\": 3, \"source\": \"semantic\"}",
            error: .notAmong(path: "head.source", value: "semantic", allowed: ["latent", "embedding"])
        ),
        Fault(
            place: ["head"],
            value: "{\"classes\": 3, \"source\": \"embedding\"}",
            error: .embeddingHeadWithoutPacking
        ),
        Fault(
            place: ["frequency", "decode_count"],
            value: "40",
            error: .notSquare(path: "frequency.decode_count", value: 40)
        ),
        Fault(
            model: banded,
            place: ["frequency", "schedule"],
            value: "[]",
            error: .countMismatch(path: "frequency.schedule", expected: 1, found: 0)
        ),
        Fault(
            model: banded,
            place: ["frequency", "bands"],
            value: "3",
            error: .unknownMember(path: "frequency.bands")
        ),
        Fault(
            model: banded,
            place: ["frequency", "condition"],
            value: "\"noise\"",
            error: .notAmong(path: "frequency.condition", value: "noise", allowed: ["mask", "noise_only"])
        ),
        Fault(model: lite, place: ["packing"], value: nil, error: .missing(path: "packing")),
        Fault(model: lite, place: ["encoder", "semantic"], value: nil, error: .missing(path: "encoder.semantic")),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "channels"],
            value: "9",
            error: .channelsMismatch(path: "encoder.semantic.channels", expected: 10, found: 9)
        ),
        Fault(
            model: lite,
            place: ["decoder", "convolutional", "layers", "0", "stride"],
            value: "3",
            error: .gridMismatch(path: "decoder.convolutional.layers", expected: 24, found: 28)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers"],
            value: "[]",
            error: .empty(path: "encoder.semantic.layers")
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers", "4", "kernel"],
            value: "25",
            error: .layerDoesNotFit(path: "encoder.semantic.layers[4]", height: 6, width: 6)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers", "4", "outputs"],
            value: "11",
            error: .channelsMismatch(path: "encoder.semantic.channels", expected: 11, found: 10)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers", "1", "kernel"],
            value: "4",
            error: .notAmong(path: "encoder.semantic.layers[1].kernel", value: "4", allowed: ["3", "5", "7"])
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers", "3", "layers", "0", "outputs"],
            value: "9",
            error: .channelsMismatch(path: "encoder.semantic.layers[3]", expected: 8, found: 9)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers", "3", "layers", "0", "stride"],
            value: "2",
            error: .gridMismatch(path: "encoder.semantic.layers[3]", expected: 6, found: 3)
        ),
        Fault(
            model: lite,
            place: ["decoder", "convolutional", "layers", "3", "factor"],
            value: "5",
            error: .channelsDoNotFormPixels(path: "decoder.convolutional.layers[3]", channels: 12, factor: 5)
        ),
        Fault(
            model: lite,
            place: ["decoder", "convolutional", "layers", "1", "factor"],
            value: "3",
            error: .gridMismatch(path: "decoder.convolutional.layers", expected: 24, found: 36)
        ),
        Fault(
            model: lite,
            place: ["decoder", "convolutional", "layers", "2", "outputs"],
            value: "8",
            error: .channelsMismatch(path: "decoder.convolutional.layers", expected: 3, found: 2)
        ),
        Fault(
            model: lite,
            place: ["decoder", "transformer"],
            value: "{}",
            error: .unknownMember(path: "decoder.transformer")
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers"],
            value: nested,
            error: .nestedTooDeeply(path: "encoder.semantic.layers[0].layers[0].layers[0].layers[0].layers", limit: 4)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers"],
            value: "[" + many + "]",
            error: .tooMany(path: "encoder.semantic.layers", count: 257, limit: 256)
        ),
        Fault(
            model: lite,
            place: ["encoder", "semantic", "layers"],
            value: explosion,
            error: .activationsTooLarge(path: "encoder.semantic.layers[2]", count: 12288 * 12288 * 3, limit: 1 << 26)
        ),
        Fault(
            model: banded,
            place: ["frequency", "denoiser_width"],
            value: "0",
            error: .outOfRange(path: "frequency.denoiser_width", value: 0, minimum: 1, maximum: 16384)
        ),
        Fault(
            model: banded,
            place: ["frequency", "schedule"],
            value: "[\(String(repeating: "1,", count: 32))1]",
            error: .tooMany(path: "frequency.schedule", count: 33, limit: 32)
        ),
        Fault(
            model: packing,
            place: ["packing", "embedding_channels", "0"],
            value: "11",
            error: .outOfRange(path: "packing.embedding_channels[0]", value: 11, minimum: 0, maximum: 10)
        ),
        Fault(
            model: packing,
            place: ["packing", "embedding_channels"],
            value: "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]",
            error: .tooMany(path: "packing.embedding_channels", count: 17, limit: 16)
        ),
        Fault(
            model: packing,
            place: ["packing", "embedding_channels"],
            value: "[0, 0]",
            error: .empty(path: "packing.embedding_channels")
        ),
        Fault(
            model: packing,
            place: ["channels"],
            value: "200",
            error: .tooMany(path: "packing", count: 3190, limit: 1728)
        ),
        Fault(
            model: packing,
            place: ["decoder", "linear"],
            value: "true",
            error: .unknownMember(path: "decoder.linear")
        ),
        Fault(
            place: ["packing"],
            value: "{\"embedding_channels\": [1]}",
            error: .packingNeedsLite(family: "dinov2")
        ),
        Fault(
            model: packing,
            place: ["encoder", "modulator"],
            value: "true",
            error: .unknownMember(path: "encoder.modulator")
        ),
        Fault(
            model: packing,
            place: ["image_side"],
            value: "25",
            error: .packingNeedsEvenSide(path: "image_side", side: 25)
        ),
        Fault(
            model: packing,
            place: ["encoder", "input_side"],
            value: "32",
            error: .gridMismatch(path: "encoder.input_side", expected: 24, found: 32)
        ),
        Fault(
            model: packing,
            place: ["decoder", "convolutional", "layers", "0", "factor"],
            value: "5",
            error: .layerDoesNotFit(path: "decoder.convolutional.layers[0]", height: 24, width: 24)
        ),
        Fault(
            model: packing,
            place: ["encoder", "semantic", "channels"],
            value: "7",
            error: .channelsMismatch(path: "encoder.semantic.channels", expected: 6, found: 7)
        ),
        Fault(
            model: packing,
            place: ["head", "layers"],
            value: "[{\"kind\": \"scale\"}]",
            error: .unknownMember(path: "head.layers")
        ),
        Fault(
            model: packing,
            place: ["head", "source"],
            value: "\"semantic\"",
            error: .notAmong(path: "head.source", value: "semantic", allowed: ["latent", "embedding"])
        ),
    ]

    private static let scale = "{\"kind\": \"scale\"}"
    private static let many = Array(repeating: scale, count: 257).joined(separator: ",")
    private static let nested = (0..<4).reduce("[\(scale)]") { inner, _ in
        "[{\"kind\": \"residual\", \"layers\": \(inner)}]"
    }
    private static let explosion =
        "[" + Array(repeating: "{\"kind\": \"upsample\", \"factor\": 8}", count: 4).joined(separator: ",") + "]"
}
