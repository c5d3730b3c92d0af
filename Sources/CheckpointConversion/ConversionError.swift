// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import Foundation
package import TensorFiles

/// Why a checkpoint cannot be converted.
package enum ConversionError: Error {
    case unreadable(path: String, errno: Int32)
    case settingsTooLong(path: String, limit: Int)
    case notYAML(path: String, reason: String)
    case notJSON(path: String, reason: String)
    /// The given path does not exist.
    case sourceMissing(path: String)
    /// The folder has no `config.yaml`; `found` are the YAML files in and below it.
    case configurationMissing(folder: String, found: [String])
    /// The folder is a model folder of this project.
    case alreadyConverted(folder: String)
    case notAFile(path: String)
    /// A settings file that is something else: a Git LFS pointer, a web page.
    case notSettings(path: String, found: String)
    /// A checkpoint of the first edition with a configuration of another.
    case firstEditionCheckpoint(path: String)
    /// A file given as a RAE's checkpoint that is neither a whole model nor a decoder.
    case neitherModelNorDecoder(path: String)
    /// A checkpoint file does not describe its model.
    case configurationNeeded(checkpoint: String)
    /// The settings name a file or folder that is nowhere.
    case pathNotFound(path: String, member: String, value: String, wanted: String)
    case checkpointNotNamed(path: String)
    /// `--config` or `--checkpoint` with a source that is one itself or needs none.
    case optionWithoutUse(option: String, source: String)
    case memberMissing(path: String, member: String)
    case memberInvalid(path: String, member: String, found: String, allowed: String)
    case frequency(path: String, FrequencySettingError)
    case encoderUnknown(path: String, names: [String])
    case encoderSizeMismatch(path: String, inputSide: Int, patchSide: Int)
    case encoderSideFixed(inputSide: Int, imageSide: Int)
    case decoderUnknown(path: String, name: String)
    /// A 2026-edition training state without its averaged weights.
    case averagedWeightsMissing(path: String)
    case noTensors(path: String, entry: String)
    case tensorMissing(path: String, tensor: String, others: Int)
    case tensorShape(path: String, tensor: String, expected: [Int], found: [Int], assumption: String?)
    case tensorType(path: String, tensor: String, found: String)
    case tensorNotFinite(path: String, tensor: String, index: Int, value: Float)
    case positionTable(path: String, tensor: String, found: [Int])
    case statisticsShape(path: String, tensor: String, found: [Int], allowed: [String])
    case statisticsType(path: String, tensor: String)
    /// A file with neither `mean` nor `var`.
    case statisticsMissing(path: String)
    case statisticsInvalid(path: String, tensor: String, index: Int, value: Float)
    /// Two tensors whose names become one.
    case tensorTwice(path: String, tensor: String)
    /// YAML anchors and aliases, merge keys among them.
    case aliases(path: String, name: String)
    /// The caller ended the conversion.
    case interrupted
    case headShape(path: String, found: [Int], channels: Int)
    case file(CheckpointFileError)
    case tensorFile(TensorFileError)
    case configuration(ConfigurationError)
    case targetExists(path: String)
    case cannotWrite(path: String, errno: Int32)
    case output(OutputFileError)
    /// The folder as written does not load, which is a defect of the converter.
    case resultUnusable(ModelError)

    /// The exit code of a command that ends with this error, from sysexits.h.
    package var exitCode: Int32 {
        switch self {
        case .sourceMissing, .unreadable, .pathNotFound: 66
        case .targetExists, .cannotWrite, .output: 73
        case .resultUnusable: 70
        case .optionWithoutUse: 64
        case .interrupted: 130
        case .settingsTooLong, .notYAML, .notJSON, .configurationMissing, .configurationNeeded, .checkpointNotNamed,
            .memberMissing, .memberInvalid, .frequency, .encoderUnknown, .encoderSizeMismatch, .encoderSideFixed,
            .decoderUnknown, .averagedWeightsMissing, .noTensors, .tensorMissing, .tensorShape, .tensorType,
            .tensorNotFinite, .positionTable, .alreadyConverted, .notAFile, .statisticsMissing, .statisticsInvalid,
            .tensorTwice, .aliases, .notSettings, .firstEditionCheckpoint,
            .neitherModelNorDecoder, .statisticsShape, .statisticsType, .headShape, .file, .tensorFile,
            .configuration:
            65
        }
    }
}

extension ConversionError: CustomStringConvertible {
    /// One line for the person who called; nothing from a file can break it or fill it.
    package var description: String {
        let scalars = sentence.unicodeScalars
        let line = scalars.prefix(2000).map { scalar in
            scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return line.joined() + (scalars.count > 2000 ? "..." : "")
    }

    private var sentence: String {
        switch self {
        case .unreadable(let path, let code): "\(path): \(Self.text(of: code))."
        case .settingsTooLong(let path, let limit):
            "\(path) is longer than \(limit) bytes, too long for a configuration."
        case .notYAML(let path, let reason): "\(path) is not a YAML configuration: \(reason)."
        case .notJSON(let path, let reason): "\(path) is not JSON: \(reason)."
        case .sourceMissing(let path): "\(path): there is no such file or folder."
        case .configurationMissing(let folder, let found):
            "\(folder) has no config.yaml. "
                + (found.isEmpty
                    ? "Give the model's configuration with --config FILE."
                    : "Give one with --config FILE; it has \(found.joined(separator: ", ")).")
        case .alreadyConverted(let folder):
            "\(folder) is a model folder already; serve it with: uae serve --model \(folder)"
        case .notAFile(let path): "\(path) is not a file."
        case .notSettings(let path, let found): "\(path) is \(found), not a configuration; download it again."
        case .firstEditionCheckpoint(let path):
            "\(path) holds freq_modulator tensors, so it is a checkpoint of the first edition. Use its own configuration, "
                + "with target unified_ae.UnifiedUAE (stage1_infer.yaml)."
        case .neitherModelNorDecoder(let path): "\(path) holds neither a whole model nor a RAE's decoder."
        case .configurationNeeded(let checkpoint):
            "\(checkpoint) is a checkpoint, which does not say what model it is. Give the model's configuration with "
                + "--config FILE."
        case .pathNotFound(let path, let member, let value, let wanted):
            "\(path): \(member) names '\(Self.clipped(value))', and no such \(wanted) was found below the folder of the configuration "
                + "or any folder above it. Paths are relative to the authors' repository root."
                + (member == "ckpt" ? " Or give the checkpoint with --checkpoint FILE." : "")
                + (member == "encoder_params" ? " Download it there: hf download \(value) --local-dir \(value)" : "")
        case .checkpointNotNamed(let path):
            "\(path): stage_1.ckpt is missing. Give the checkpoint with --checkpoint FILE."
        case .optionWithoutUse(let option, let source):
            "\(option) means nothing beside \(source), which already says it."
        case .memberMissing(let path, let member): "\(path): \(member) is missing."
        case .memberInvalid(let path, let member, let found, let allowed):
            "\(path): \(member) is '\(Self.clipped(found))', must be \(allowed)."
        case .frequency(let path, let error): "\(path): \(error)"
        case .encoderUnknown(let path, let names):
            "\(path): the encoder's config.json was not found, and \(names.joined(separator: ", ")) is not known without "
                + "it. Known: \(PublishedEncoder.all.map(\.hubName).joined(separator: ", "))."
        case .encoderSizeMismatch(let path, let inputSide, let patchSide):
            "\(path): encoder_input_size is \(inputSide), which is not a multiple of the encoder's patch side "
                + "\(patchSide)."
        case .encoderSideFixed(let inputSide, let imageSide):
            "A CLIP encoder has a fixed size: encoder_input_size is \(inputSide), the encoder's image_size is "
                + "\(imageSide)."
        case .decoderUnknown(let path, let name):
            "\(path): decoder_config_path names '\(Self.clipped(name))', where no config.json was found, and it is not one of "
                + "\(PublishedDecoder.all.map(\.name).joined(separator: ", "))."
        case .averagedWeightsMissing(let path):
            "\(path) holds 'model' but not 'ema'. Checkpoints of the 2026 edition are read from 'ema', as the authors' "
                + "loader does; it refuses this file too."
        case .noTensors(let path, let entry): "\(path): \(entry) holds no tensors."
        case .tensorMissing(let path, let tensor, let others):
            "\(path): the tensor \(tensor) is missing"
                + (others > 0 ? ", and \(others) more." : ".") + " Does the configuration belong to this checkpoint?"
        case .tensorShape(let path, let tensor, let expected, let found, let assumption):
            "\(path): the tensor \(tensor) has the shape \(found), the configuration asks for \(expected). "
                + (assumption ?? "Does the configuration belong to this checkpoint?")
        case .tensorType(let path, let tensor, let found):
            "\(path): the tensor \(tensor) has the type \(found); weights are floating-point numbers."
        case .tensorNotFinite(let path, let tensor, let index, let value):
            "\(path): the tensor \(tensor) holds \(value) at \(index); the checkpoint is damaged or its training failed."
        case .positionTable(let path, let tensor, let found):
            "\(path): \(tensor) has the shape \(found), which is not a table for a square grid."
        case .statisticsShape(let path, let tensor, let found, let allowed):
            "\(path): '\(tensor)' has the shape \(found), must be \(allowed.joined(separator: ", "))."
        case .statisticsMissing(let path): "\(path) has neither 'mean' nor 'var', so these are no statistics."
        case .statisticsInvalid(let path, let tensor, let index, let value):
            "\(path): '\(tensor)' holds \(value) at \(index), which no latent has."
        case .tensorTwice(let path, let tensor): "\(path): two tensors are called \(tensor) without their prefixes."
        case .aliases(let path, let name):
            "\(path) uses the YAML alias '*\(name)'; write the values out where they are used."
        case .interrupted: "Interrupted; nothing was written."
        case .statisticsType(let path, let tensor): "\(path): '\(tensor)' is neither a tensor nor None."
        case .headShape(let path, let found, let channels):
            "\(path): the tensor weight has the shape \(found), must be [classes, \(channels)]."
        case .file(let error): "\(error)."
        case .tensorFile(let error): "\(ModelError.weights(path: Self.path(of: error), error))"
        case .configuration(let error): "The model cannot be described: \(error)."
        case .targetExists(let path):
            "\(path) is a file or a folder with something in it; nothing is overwritten. Remove it or name another folder."
        case .cannotWrite(let path, let code), .output(.cannotCreate(let path, let code)),
            .output(.cannotWrite(let path, let code)):
            "\(path): \(Self.text(of: code))."
        case .resultUnusable(let error): "The converted model does not load: \(error)."
        }
    }

    /// A value from a file, shortened so that the rest of the message stays visible.
    private static func clipped(_ value: String) -> String {
        value.count > 80 ? value.prefix(80) + "..." : value
    }

    private static func text(of code: Int32) -> String {
        String(cString: strerror(code))
    }

    private static func path(of error: TensorFileError) -> String {
        switch error {
        case .cannotOpen(let path, _), .notRegular(let path), .cannotMap(let path, _), .malformed(let path, _),
            .missingTensor(let path, _), .wrongShape(let path, _, _, _), .wrongDType(let path, _, _, _):
            path
        }
    }
}
