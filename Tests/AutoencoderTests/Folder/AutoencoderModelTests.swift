// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Fixtures
import Foundation
import FrequencyBands
import TensorFiles
import TensorKernels
import Testing

/// Loading of model folders: what may be absent, and each way in which a folder may be wrong.
@Suite struct AutoencoderModelTests {
    /// A copy of a model folder that a test may spoil; removed afterwards.
    final class Folder {
        let path: String

        init(copying model: String) throws {
            path = NSTemporaryDirectory() + "/uae-model-\(UUID().uuidString)"
            try FileManager.default.copyItem(atPath: Fixtures.path(model), toPath: path)
        }

        deinit {
            try? FileManager.default.removeItem(atPath: path)
        }

        func write(_ name: String, _ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
        }

        func replace(_ name: String, _ old: String, _ new: String) throws {
            let text = try String(contentsOfFile: path + "/" + name, encoding: .utf8)
            try #require(text.contains(old))
            try write(name, Array(text.replacingOccurrences(of: old, with: new).utf8))
        }

        /// Rewrites the weights after a change.
        func changeWeights(_ change: (inout [String: TensorArray]) -> Void) throws {
            let file = try SafetensorsFile(path: path + "/model.safetensors")
            var tensors: [String: TensorArray] = [:]
            for (name, entry) in file.index.entries {
                tensors[name] = TensorArray(shape: entry.shape, values: try file.floats(name, shape: entry.shape))
            }
            change(&tensors)
            try write(
                "model.safetensors",
                writeSafetensors(
                    tensors.sorted { $0.key < $1.key }.map {
                        OutgoingTensor(name: $0.key, shape: $0.value.shape, dtype: .float32, values: $0.value.values)
                    }
                )
            )
        }

        /// The error that loading ends with.
        func editPackingOrder(_ edit: (inout [Float]) -> Void) throws {
            let file = try SafetensorsFile(path: path + "/model.safetensors")
            let range = try #require(file.index.entries["packing.order"]).byteRange
            var order = try file.floats("packing.order", shape: [range.count / 4])
            edit(&order)
            var bytes = try Fixtures.bytes("models/packing/model.safetensors")
            let start = file.index.dataStart + range.lowerBound
            bytes.replaceSubrange(
                start..<start + range.count,
                with: order.flatMap { withUnsafeBytes(of: $0, Array.init) }
            )
            try write("model.safetensors", bytes)
        }

        func failure(
            head: String? = nil,
            labels: String? = nil,
            storage: WeightStorage = .float32,
            memoryLimit: Int = .max
        ) -> ModelError? {
            do throws(ModelError) {
                _ = try AutoencoderModel(
                    directory: path,
                    head: head,
                    labels: labels,
                    storage: storage,
                    memoryLimit: memoryLimit
                )
                return nil
            } catch {
                return error
            }
        }
    }

    @Test func aMissingTensorIsNamed() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        let name = "encoder.encoder.encoder.layer.1.mlp.fc1.weight"
        try folder.changeWeights { $0[name] = nil }
        guard case .weights(_, .missingTensor(_, name: name)) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test(arguments: [
        "encoder.encoder.embeddings.cls_token", "encoder.encoder.encoder.layer.2.layer_scale1.lambda1",
        "encoder.encoder.encoder.layer.0.attention.attention.key.bias", "decoder.decoder_pos_embed",
        "decoder.decoder_layers.0.attention.output.dense.weight", "decoder.decoder_pred.bias",
    ])
    func aMisshapenTensorIsNamedWithBothShapes(name: String) throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        var right: [Int] = []
        try folder.changeWeights { tensors in
            right = tensors[name]?.shape ?? []
            tensors[name] = TensorArray(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
        }
        guard case .weights(_, .wrongShape(_, name: name, expected: right, found: [2, 3])) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func positionsThatAreNoSquareAreRefused() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        let name = "encoder.encoder.embeddings.position_embeddings"
        try folder.changeWeights {
            $0[name] = TensorArray(shape: [1, 7, 96], values: [Float](repeating: 0, count: 672))
        }
        guard case .positionsNotSquare(tensor: name, rows: 7) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func unusedTensorsAreIgnored() throws {
        let folder = try Folder(copying: "golden/siglip2/model")
        try folder.changeWeights { $0["optimizer.step"] = TensorArray(shape: [1], values: [1]) }
        #expect(folder.failure() == nil)
    }

    @Test func emptyTensorsMayClaimAnyAxes() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        let (huge, name) = (1 << 62, "encoder.encoder.embeddings.position_embeddings")
        try folder.changeWeights { $0["unused"] = TensorArray(shape: [0, huge, 4], values: []) }
        #expect(folder.failure() == nil)
        try folder.changeWeights { $0[name] = TensorArray(shape: [1 << 60, 0], values: []) }
        guard case .positionsNotSquare(tensor: name, rows: 1 << 60) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func foldersThatAreNotThereAreSaidToBe() {
        #expect(throws: ModelError.self) { try AutoencoderModel(directory: "/nonexistent") }
        do throws(ModelError) {
            _ = try AutoencoderModel.configuration(in: "/nonexistent")
        } catch {
            guard case .notAModelFolder("/nonexistent", isPublished: false) = error else {
                Issue.record(error)
                return
            }
        }
    }

    @Test func aWrongConfigurationIsReportedWithItsPath() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.replace("config.json", "\"depth\"", "\"detph\"")
        guard case .configuration(folder.path + "/config.json", .missing(path: "encoder.depth")) = folder.failure()
        else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func errorsAreSentencesThatNameThePlace() throws {
        let folder = try Folder(copying: "golden/clip/model")
        let name = "decoder.decoder_pred.bias"
        try folder.changeWeights { $0[name] = TensorArray(shape: [2], values: [0, 1]) }
        #expect(
            folder.failure()?.description
                == "\(folder.path)/model.safetensors: the tensor \(name) has the shape [2], must have [768]"
        )
        try folder.changeWeights { $0[name] = nil }
        #expect(folder.failure()?.description == "\(folder.path)/model.safetensors: the tensor \(name) is missing")
        try folder.replace("config.json", "\"depth\": 3", "\"depth\": 300")
        #expect(
            folder.failure()?.description
                == "\(folder.path)/config.json: encoder.depth is 300, must be within 1...128"
        )
        #expect(
            ModelError.unreadable(path: "/x/config.json", errno: ENOENT).description
                == "/x/config.json: No such file or directory"
        )
    }

    @Test func aTruncatedWeightFileIsRefused() throws {
        let folder = try Folder(copying: "golden/clip/model")
        let bytes = try Fixtures.bytes("golden/clip/model/model.safetensors")
        try folder.write("model.safetensors", Array(bytes.dropLast(4)))
        guard case .weights(_, .malformed) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func anOverlongConfigurationIsNotReadToTheEnd() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.write("config.json", [UInt8](repeating: 0x20, count: 3 << 20))
        guard case .tooLong(_, _, limit: 1 << 20) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func aCutThatCannotBeMadeIsRefused() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.replace("config.json", "\"reorder_1d\"", "\"map2d_square\"")
        try folder.replace("config.json", "\"low\"", "\"drop_high\"")
        guard case .bandSplit(_, .restNotSquare(count: 64, rest: 192, allowed: [0, 256])) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func statisticsThatNoLatentHasAreRefused() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        var variance = [Float](repeating: 1, count: 96 * 256)
        variance[300] = -1
        let mean = [Float](repeating: 0, count: 96 * 256)
        func write(_ mean: [Float], _ variance: [Float]) throws {
            try folder.write(
                "stats.safetensors",
                writeSafetensors([
                    OutgoingTensor(name: "mean", shape: [96, 16, 16], dtype: .float32, values: mean),
                    OutgoingTensor(name: "var", shape: [96, 16, 16], dtype: .float32, values: variance),
                ])
            )
        }
        try write(mean, variance)
        guard case .statisticsInvalid(tensor: "var", index: 300, value: -1) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
        var infinite = mean
        infinite[5] = .infinity
        try write(infinite, mean)
        guard case .statisticsInvalid(tensor: "mean", index: 5, value: .infinity) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    // MARK: Heads and labels

    private func probe(_ shape: [Int], labels: String? = nil) -> [UInt8] {
        let count = shape.reduce(1, *)
        return writeSafetensors(
            [
                OutgoingTensor(
                    name: "weight",
                    shape: shape,
                    dtype: .float32,
                    values: (0..<count).map { Float($0 % 7) / 100 }
                ),
                OutgoingTensor(
                    name: "bias",
                    shape: [shape[0]],
                    dtype: .float32,
                    values: [Float](repeating: 1, count: shape[0])
                ),
            ],
            metadata: labels.map { [("labels", $0)] } ?? []
        )
    }

    @Test func aProbeGivenByPathReadsTheMeanOfTheLatent() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.write("probe.safetensors", probe([3, 80]))
        let model = try AutoencoderModel(directory: folder.path, head: folder.path + "/probe.safetensors")
        #expect(model.hasHead)
        #expect(model.classCount == 3)
        let engine = try AutoencoderEngine(model: model, threads: 2)
        let latent = (0..<80 * 256).map { Float($0 % 11) / 10 }
        var task = AutoencoderTask(input: .latent(latent), outputs: [.logits, .pooled])
        task.cut = .split(BandSplit(mode: .low, order: .zigzag, cutoff: .reorder1D, count: 64))
        let made = try engine.result(task)
        let pooled = try #require(made.pooled)
        var wanted: [Float] = [1, 1, 1]
        for index in 0..<3 * 80 { wanted[index / 80] += Float(index % 7) / 100 * pooled[index % 80] }
        #expect(largestDifference(made.logits, wanted) < 1e-5)
    }

    @Test func aProbeOfAnotherWidthIsRefused() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.write("probe.safetensors", probe([3, 81]))
        guard
            case .headShape(_, channels: 80, found: [3, 81]) = folder.failure(head: folder.path + "/probe.safetensors")
        else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func theConfigurationMayNameAHeadAndLabels() throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.write("head.safetensors", probe([3, 80]))
        try folder.replace(
            "config.json",
            "\"format\"",
            "\"head\": {\"classes\": 3, \"file\": \"head.safetensors\"}, \"labels\": \"labels.txt\", \"format\""
        )
        try folder.write("labels.txt", Array("one\r\ntwo\n\n".utf8))
        let model = try AutoencoderModel(directory: folder.path)
        #expect(model.labels == ["one", "two", ""])

        try folder.write("labels.txt", Array("one\ntwo\n".utf8))
        guard case .labelCount(_, expected: 3, found: 2) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
        try folder.write("labels.txt", [0xFF, 0x0A])
        guard case .labelsNotText = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    @Test func aHeadHasItsOwnLabels() throws {
        let folder = try Folder(copying: "../../../models/default")
        let path = folder.path + "/own head.safetensors"
        func model(_ labels: String?, file: String? = nil) throws -> AutoencoderModel {
            try folder.write("own head.safetensors", probe([3, 192], labels: labels))
            return try AutoencoderModel(directory: folder.path, head: path, labels: file)
        }
        // The folder's thousand names belong to the folder's own head.
        #expect(try model(nil).labels == nil)
        #expect(try model("[\"a\", \"b\\n\", \"c\"]").labels == ["a", "b\n", "c"])
        #expect(try model("a\r\nb\nc\n").labels == ["a", "b", "c"])
        try folder.write("names.txt", Array("\u{FEFF}x\ny\nz\n".utf8))
        #expect(try model("a\nb\nc", file: folder.path + "/names.txt").labels == ["x", "y", "z"])
        #expect(try model(nil).headFile?.name == "own_head")
        #expect(try model(nil).headFile?.sha256.count == 64)
        #expect(try AutoencoderModel(directory: folder.path).headFile == nil)
        #expect(try AutoencoderModel(directory: folder.path).labels?.count == 1000)
    }

    @Test(arguments: ["[\"a\"]", "[\"a\", 2, \"c\"]", "[\"a\",", "a\nb", "{\"0\":\n\"a\"\n}"])
    func labelsThatAHeadCannotHaveAreRefused(labels: String) throws {
        let folder = try Folder(copying: "golden/clip/model")
        try folder.write("probe.safetensors", probe([3, 80], labels: labels))
        switch folder.failure(head: folder.path + "/probe.safetensors") {
        case .labelCount(_, expected: 3, found: 1), .labelCount(_, expected: 3, found: 2), .labelsMalformed: break
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test func labelsWithoutAHeadAreRefused() throws {
        let folder = try Folder(copying: "golden/clip/model")
        guard case .labelsWithoutHead("names") = folder.failure(labels: "names") else {
            Issue.record("\(String(describing: folder.failure(labels: "names")))")
            return
        }
    }

    // MARK: Damaged and oversized folders

    @Test(
        arguments: [
            "encoder.encoder.encoder.layer.1.mlp.fc1.weight", "decoder.decoder_pred.bias", "decoder.decoder_pos_embed",
            "encoder.encoder.encoder.layer.0.attention.attention.key.weight",
            "encoder.encoder.encoder.layer.2.layer_scale1.lambda1", "encoder.encoder.embeddings.cls_token",
        ],
        [Float.nan, .infinity, -.infinity]
    )
    func aWeightThatIsNotFiniteIsNamed(name: String, value: Float) throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        try folder.changeWeights { $0[name]?.values[7] = value }
        guard case .weightNotFinite(_, name, index: 7, value: let found) = folder.failure(),
            found.bitPattern == value.bitPattern
        else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
        #expect(folder.failure()?.description.contains(name) == true)
    }

    @Test func aWeightBeyondHalfPrecisionIsRefusedUnderFloat16() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        let name = "decoder.decoder_pred.weight"
        try folder.changeWeights { $0[name]?.values[9] = -65520 }
        #expect(folder.failure() == nil)
        guard case .weightTooLargeForHalf(_, name, index: 9, value: -65520) = folder.failure(storage: .float16) else {
            Issue.record("\(String(describing: folder.failure(storage: .float16)))")
            return
        }
        try folder.changeWeights { $0[name]?.values[9] = 65519 }
        #expect(folder.failure(storage: .float16) == nil)
    }

    @Test func finiteWeightsThatOverflowAreFoundInTheWarmUp() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        try folder.changeWeights { tensors in
            guard let count = tensors["decoder.decoder_pred.weight"]?.values.count else { return }
            tensors["decoder.decoder_pred.weight"]?.values = [Float](repeating: 3e38, count: count)
        }
        let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder.path), threads: 1)
        #expect(throws: ModelError.self) { try engine.warmUp(batch: 1) }
        let pixels = [UInt8](repeating: 128, count: 256 * 256 * 3)
        let latent = [Float](repeating: 1, count: 96 * 256)
        for input in [AutoencoderTask.Input.pixels(pixels), .latent(latent)] {
            let task = AutoencoderTask(input: input, outputs: .image)
            #expect(throws: TaskError.modelNotFinite) { try engine.result(task) }
        }
        #expect(throws: Never.self) { try engine.result(AutoencoderTask(input: .pixels(pixels), outputs: .latent)) }
    }

    @Test(arguments: ["config.json", "model.safetensors", "stats.safetensors"])
    func aPointerInPlaceOfAFileSaysSo(name: String) throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        try folder.write(name, Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n".utf8))
        let message = folder.failure()?.description ?? ""
        #expect(message.contains(name) && message.contains("git lfs pull"), "\(message)")
    }

    @Test func weightsBeyondTheMachinesMemoryAreRefused() throws {
        let folder = try Folder(copying: "golden/dinov2/model")
        let failure = folder.failure(memoryLimit: 1 << 20)
        guard case .memoryExceeded(_, use: .weights, bytes: let bytes, limit: 1 << 20) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(bytes > 3_000_000)
    }

    @Test func workspacesBeyondTheMachinesMemoryAreRefused() throws {
        let model = try AutoencoderModel(directory: GoldenModel.all[0].directory)
        #expect {
            try AutoencoderEngine(model: model, threads: 2, memoryLimit: 1 << 20)
        } throws: { error in
            if case ModelError.memoryExceeded(_, use: .workspaces, bytes: let bytes, limit: 1 << 20) = error {
                bytes > 1 << 20
            } else {
                false
            }
        }
    }

    /// nil stands for one that is there already.
    @Test(arguments: [nil, -1, 0.5, 1728, .nan] as [Float?])
    func aPackingOrderNamesDifferentCoefficients(wrong: Float?) throws {
        let folder = try Folder(copying: "models/packing")
        try folder.editPackingOrder { $0[7] = wrong ?? $0[3] }
        guard case .packingOrder(place: 7, value: _, limit: 1728) = folder.failure() else {
            Issue.record("\(String(describing: folder.failure()))")
            return
        }
    }

    /// A plane may have no coefficient that any slot holds.
    @Test func aPackingOrderMayLeavePlanesOut() throws {
        let folder = try Folder(copying: "models/packing")
        try folder.editPackingOrder { order in
            for place in order.indices { order[place] = Float(place) }
        }
        let engine = try AutoencoderEngine(model: try AutoencoderModel(directory: folder.path), threads: 2)
        let pixels = [UInt8](repeating: 200, count: 24 * 24 * 3)
        let result = try engine.result(AutoencoderTask(input: .pixels(pixels), outputs: [.latent, .image]))
        #expect(result.latent?.contains { abs($0) > 0.01 } == true)
        #expect(result.image?.count == pixels.count)
    }

    @Test func halfPrecisionWeightsStayClose() throws {
        let golden = GoldenModel.all[0]
        let expected = try golden.expected()
        let model = try AutoencoderModel(directory: golden.directory, storage: .float16)
        let engine = try AutoencoderEngine(model: model, threads: 2)
        let task = AutoencoderTask(input: .pixels(try expected.bytes("pixels")), outputs: .latent)
        #expect(largestDifference(try engine.result(task).latent, try expected.values("latent.full")) < 0.05)
    }

    @Test func theDigestIsTheFilesOwn() throws {
        let model = try AutoencoderModel(directory: GoldenModel.all[1].directory)
        // What sha256sum prints.
        #expect(model.weightsSHA256 == "4ad914a9a92a010e23f6a83d0228dfeb51a94d3641156ee078d3234e01775f25")
        #expect(model.parameterBytes > 1_000_000)
    }
}
