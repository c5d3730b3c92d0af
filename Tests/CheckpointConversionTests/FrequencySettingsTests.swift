// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import CheckpointConversion
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import Testing

/// The settings of the 2026 edition: what each comes to, and which are refused.
@Suite struct DCTSettingsTests {
    /// A golden file of settings, by name.
    private static func settings(_ file: String) throws -> [(name: String, value: SettingValue)] {
        let document = try SettingValue.json(path: Fixtures.path("golden/\(file)"))
        return try document.keys.map { ($0, try #require(document[$0])) }
    }

    @Test func everySettingKeepsTheAuthorsCoefficients() throws {
        let expected = try SafetensorsFile(path: Fixtures.path("golden/square/expected-chelsea.safetensors"))
        let settings = try Self.settings("square/settings.json")
        #expect(settings.count == 73)
        for (name, value) in settings {
            let frequency = try DCTSettings(value, gridSide: 16).frequency
            guard case .dct(let order, let cutoff, let mode, let count, nil, _) = frequency else {
                Issue.record("\(name): \(frequency)")
                continue
            }
            let kept = try count.map {
                try BandSplit(mode: mode, order: order, cutoff: cutoff, count: $0).keeps(height: 16, width: 16)
            }
            let mask = expected.withBytes(of: try #require(expected.index.entries["mask.\(name)"], "\(name)")) {
                [UInt8]($0)
            }
            #expect(mask == (kept ?? [Bool](repeating: true, count: 256)).map { $0 ? 1 : 0 }, "\(name)")
        }
    }

    @Test func whatTheAuthorsRefuseIsRefusedWithTheirReason() throws {
        let document = try SettingValue.json(path: Fixtures.path("golden/square/refused.json"))
        guard case .list(let cases) = document else {
            Issue.record("no list")
            return
        }
        #expect(cases.count == 27)
        for refused in cases {
            let name = try #require(refused["name"]?.text)
            // The reason without its last full stop, as ours may go on with what was found.
            let reason = try #require(refused["message"]?.text).dropLast()
            let value = try #require(refused["frequency_config"])
            do throws(FrequencySettingError) {
                let made = try DCTSettings(value, gridSide: 16)
                Issue.record("\(name) is taken: \(made)")
            } catch {
                #expect(error.description.hasPrefix(reason), "\(name): \(error)")
            }
        }
    }

    @Test(arguments: [
        ("low64_compact", BandMode.low, 64, 64), ("low16_compact", .low, 16, 16), ("low144_compact", .low, 144, 144),
        ("high64_compact", .high, 64, 64), ("low64_decode16", .low, 64, 16), ("low16_decode64", .low, 16, 64),
        ("low16_decode_ratio0.25", .low, 16, 64), ("low64_decode_count_over_ratio", .low, 64, 16),
    ])
    func compactDecodesHaveTheirCounts(name: String, mode: BandMode, count: Int, decoded: Int) throws {
        let value = try #require(try Self.settings("compact/settings.json").first { $0.name == name }).value
        #expect(
            try DCTSettings(value, gridSide: 16).frequency
                == .dct(order: .zigzag, cutoff: .map2DSquare, mode: mode, count: count, decodeCount: decoded)
        )
    }

    private func settings(_ json: String, gridSide: Int = 16) throws -> DCTSettings {
        let folder = try ScratchFolder()
        return try DCTSettings(
            try SettingValue.json(path: try folder.file("settings.json", Array(json.utf8))),
            gridSide: gridSide
        )
    }

    @Test(arguments: [
        ("null", ModelDescription.Frequency.none),
        ("{}", .none),
        ("{\"freq_transform\": null}", .none),
        ("{\"freq_transform\": \"NONE\", \"band_split\": {\"enabled\": true, \"count\": 3}}", .none),
        (
            "{\"freq_transform\": \"DCT\", \"freq_order\": \"Radial\", \"unknown\": 1}",
            .dct(order: .radial, cutoff: .reorder1D, mode: .low, count: nil, decodeCount: nil)
        ),
        // Python's truth: every text is true.
        (
            "{\"freq_transform\": \"dct\", \"band_split\": {\"enabled\": \"false\", \"count\": \"20\"}}",
            .dct(order: .zigzag, cutoff: .reorder1D, mode: .low, count: 20, decodeCount: nil)
        ),
        // An alias counts only if the first name is absent.
        (
            "{\"freq_transform\": \"dct\", \"band_split\": {\"enabled\": 1, \"count\": null, \"keep_count\": 10}}",
            .dct(order: .zigzag, cutoff: .reorder1D, mode: .low, count: 256, decodeCount: nil)
        ),
        // All tokens are the plain decode.
        (
            """
            {"freq_transform": "dct", "band_split": {"enabled": true, "cutoff_mode": "2d", "decode_from_split": true}}
            """,
            .dct(order: .zigzag, cutoff: .map2DSquare, mode: .low, count: 256, decodeCount: nil)
        ),
        (
            """
            {"freq_transform": "dct", "band_split": {"enabled": true, "cutoff_mode": "2d", "count": 64,
             "decode_from_split": true, "decode_from_split_prob": 0}}
            """,
            .dct(
                order: .zigzag,
                cutoff: .map2DSquare,
                mode: .low,
                count: 64,
                decodeCount: 64,
                decodesCorner: false
            )
        ),
    ])
    func defaultsAliasesAndPythonsTruthCount(json: String, frequency: ModelDescription.Frequency) throws {
        #expect(try settings(json).frequency == frequency)
    }

    @Test func whatIsRandomInTheAuthorsCodeIsNoted() throws {
        let made = try settings(
            """
            {"freq_transform": "dct", "band_split": {"enabled": true, "cutoff_mode": "2d", "count": 64, "uniform": true,
             "decode_from_split_band": true, "decode_from_split_band_prob": 0.5, "decode_keep_count": 16}}
            """
        )
        #expect(made.notes.count == 2)
        #expect(
            made.frequency
                == .dct(
                    order: .zigzag,
                    cutoff: .map2DSquare,
                    mode: .low,
                    count: 64,
                    decodeCount: 16,
                    decodesCorner: false
                )
        )
    }

    @Test(arguments: [
        ("[1]", FrequencySettingError.notAMap(member: "frequency_config", found: "a list")),
        ("{\"freq_transform\": \"dct\", \"band_split\": null}", .notAMap(member: "band_split", found: "None")),
        (
            "{\"freq_transform\": \"dct\", \"band_split\": {\"count\": \"many\"}}",
            .notANumber(member: "band_split.count", found: "many")
        ),
        (
            "{\"freq_transform\": \"dct\", \"band_split\": {\"ratio\": []}}",
            .notANumber(member: "band_split.ratio", found: "a list")
        ),
        (
            "{\"freq_transform\": \"dct\", \"band_split\": {\"band_count\": 1}, \"v_patch_nums\": 3}",
            .notANumber(member: "v_patch_nums", found: "3")
        ),
        ("{\"freq_transform\": \"dct\", \"freq_num_bands\": 0}", .bandNumberTooSmall(0)),
    ])
    func wrongTypesAreRefused(json: String, error: FrequencySettingError) throws {
        #expect(throws: error) { try settings(json) }
    }

    @Test func aDropThatLeavesNothingToDecodeIsRefused() {
        #expect(throws: FrequencySettingError.decodeCountZero) {
            try settings(
                """
                {"freq_transform": "dct", "band_split": {"enabled": true, "mode": "drop_low", "cutoff_mode": "2d",
                 "decode_from_split_band": true}}
                """
            )
        }
    }
}

/// The settings of the first edition.
@Suite struct FirstEditionSettingsTests {
    private func settings(_ json: String) throws -> FirstEditionSettings {
        let folder = try ScratchFolder()
        let value = try SettingValue.json(path: try folder.file("settings.json", Array(json.utf8)))
        return try FirstEditionSettings(value, channels: 16)
    }

    @Test func aScheduleBeatsTheNumberOfBands() throws {
        let made = try settings(
            "{\"v_patch_nums\": [0.32, 16], \"freq_num_bands\": 7, \"spectral_transform_layers\": 2}"
        )
        #expect(made.schedule == [0.32, 16])
        #expect(made.mixingLayers == 2)
        #expect(made.condition == .mask)
        #expect(!made.isDynamic)
    }

    @Test(arguments: [
        ("{}", 10, 1.0, 16.0), ("{\"freq_num_bands\": 1}", 1, 16, 16), ("{\"v_patch_nums\": []}", 10, 1, 16),
        ("{\"freq_num_bands\": 3, \"freq_first_patch\": 20, \"freq_max_patch\": 16}", 3, 20, 20),
    ])
    func withoutAScheduleTheSquaresAreSpacedEvenly(json: String, count: Int, first: Double, last: Double) throws {
        let schedule = try settings(json).schedule
        #expect(schedule.count == count)
        #expect(schedule.first == first)
        #expect(schedule.last == last)
        let squares = schedule.map { $0 * $0 }
        for index in squares.indices.dropFirst(2) {
            #expect(abs((squares[index] - squares[index - 1]) - (squares[1] - squares[0])) < 1e-9)
        }
    }

    @Test(arguments: [
        ("mask", FFTBandConfiguration.Condition.mask), ("scale", .mask), ("residual", .mask),
        ("noise_only", .noiseOnly),
    ])
    func everyConditionHasItsMeaning(name: String, condition: FFTBandConfiguration.Condition) throws {
        #expect(try settings("{\"band_condition_strategy\": \"\(name)\"}").condition == condition)
        let hidden = "{\"residual_projector_kwargs\": {\"condition_strategy\": \"\(name)\"}}"
        #expect(try settings(hidden).condition == condition)
    }

    @Test func whatHasNoEffectIsTaken() throws {
        let made = try settings(
            """
            {"use_residual_split": false, "codebook_drop": 0.5, "quant_resi": 1, "share_quant_resi": 4, "beta": 1,
             "band_mask_fusion": "x", "band_noise_strategy": "noise", "band_noise_tau": 1, "embed_dim": 16,
             "residual_projector": "FFT", "dynamic_schedule": {"enabled": true}}
            """
        )
        #expect(made.isDynamic)
    }

    @Test(arguments: [
        ("null", FrequencySettingError.bandsMissing),
        ("[]", .notAMap(member: "frequency_config", found: "a list")),
        ("{\"freq_transform\": \"dct\"}", .unknownMember("freq_transform")),
        ("{\"residual_projector\": \"learned-conv\"}", .learnedProjector),
        ("{\"residual_projector\": \"wavelet\"}", .unknownProjector("wavelet")),
        ("{\"band_condition_strategy\": \"soft\"}", .unknownCondition("soft")),
        ("{\"embed_dim\": 17}", .embedDimension(found: 17, channels: 16)),
        ("{\"freq_num_bands\": 33}", .scheduleInvalid(count: 33, limit: 32)),
        ("{\"v_patch_nums\": [1, \"x\"]}", .notANumber(member: "v_patch_nums", found: "x")),
        ("{\"spectral_transform_layers\": -1}", .notANumber(member: "spectral_transform_layers", found: "-1")),
    ])
    func whatCannotBeIsRefused(json: String, error: FrequencySettingError) throws {
        #expect(throws: error) { try settings(json) }
    }
}
