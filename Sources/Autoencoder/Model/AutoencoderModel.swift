// SPDX-License-Identifier: Apache-2.0

import Foundation
import FrequencyBands
import TensorFiles
package import TensorKernels

/// A loaded model: its configuration and its weights, arranged for their matrix product.
///
/// Immutable and shared by all workers.
package final class AutoencoderModel: Sendable {
    package let directory: String
    package let configuration: ModelConfiguration
    /// Category names, as many as the head has classes; nil without a head or without names.
    package let labels: [String]?
    /// The file that the head was read from; nil without a head, or where it lies in `model.safetensors`.
    package let headFile: HeadFile?
    /// The statistics of normalised latents, where the model has them.
    package let statistics: LatentStatistics?
    /// What multiplies the linear layers.
    package let products: MatrixProductChoice
    let preprocessor: PixelPreprocessor
    let encoder: Encoder
    let decoder: Decoder
    /// The latent's spectra and cuts.
    let latentDCT: LatentDCT
    let latentFFT: FFT2D
    /// The frequency module of a first-edition model.
    let fftBands: FFTBands?
    /// The spectra of input images.
    let imageDCT: DCT2D
    let imageFFT: FFT2D
    let imageOrder: CoefficientOrder
    let head: ClassificationHead?
    private let weights: SafetensorsFile

    package var hasHead: Bool { head != nil }
    /// Whether the decoder can decode a part of a latent's tokens.
    package var decodesCompactly: Bool { decoder.decodesCompactly }
    /// Categories of the head; 0 without one.
    package var classCount: Int { head?.classCount ?? 0 }
    /// Hexadecimal SHA-256 of `model.safetensors`.
    ///
    /// Computed on first use, which takes seconds for gigabytes.
    package var weightsSHA256: String { weights.sha256 }
    /// Bytes of the tensors in `model.safetensors`.
    package var parameterBytes: Int {
        weights.index.entries.values.reduce(0) { $0 + $1.byteRange.count }
    }

    /// Loads a model folder.
    ///
    /// - Parameters:
    ///   - directory: holds `config.json`, `model.safetensors` and what the configuration names.
    ///   - headPath: a safetensors file with a linear probe (`weight`, `bias`) that replaces the model's own head. Its
    ///     metadata may name its categories.
    ///   - labelsPath: a file of category names, one a line, which replaces all others.
    ///   - storage: how weights are kept in memory.
    ///   - setting: what multiplies the linear layers; nil for the processor's default.
    ///   - loadOpenBLAS: opens OpenBLAS, where it is needed.
    ///   - memoryLimit: bytes that the weights may take; by default the machine's memory.
    ///   - hashing: runs a closure that computes ``weightsSHA256`` while the model loads; nil: it is computed on first
    ///     use.
    /// - Throws: the first fault, which names the member or the tensor.
    package init(
        directory: String,
        head headPath: String? = nil,
        labels labelsPath: String? = nil,
        storage: WeightStorage = .float32,
        products setting: MatrixProductSetting? = nil,
        loadOpenBLAS: () throws(OpenBLASError) -> OpenBLAS = { () throws(OpenBLASError) in try OpenBLAS() },
        memoryLimit: Int = PhysicalMemory.byteCount,
        hashing: ((@escaping @Sendable () -> Void) -> Void)? = nil
    ) throws(ModelError) {
        self.directory = directory
        let configuration = try Self.configuration(in: directory)
        self.configuration = configuration
        let plain = try WeightReader(path: directory + "/model.safetensors", storage: storage)
        weights = plain.file
        guard plain.loadedBytes <= memoryLimit else {
            throw .memoryExceeded(path: plain.path, use: .weights, bytes: plain.loadedBytes, limit: memoryLimit)
        }
        hashing? { [weights] in _ = weights.sha256 }
        // Weights are arranged for their product as they are read, so the choice comes first.
        do {
            products = try MatrixProductChoice(
                setting,
                storage: storage,
                layers: plain.linearShapes,
                rows: configuration.tokenCount,
                load: loadOpenBLAS
            )
        } catch {
            throw .matrixProducts(error)
        }
        let reader = plain.multiplying(by: products.product)

        let (grid, side) = (configuration.gridSide, configuration.imageSide)
        let dct = DCT2D(height: grid, width: grid)
        latentFFT = FFT2D(height: grid, width: grid)
        imageDCT = DCT2D(height: side, width: side)
        imageFFT = FFT2D(height: side, width: side)
        imageOrder = CoefficientOrder(configuration.frequency.order, height: side, width: side)
        var packing: DCTPacking?
        if let sizes = configuration.packing {
            packing = try DCTPacking(reader, sizes, configuration: configuration, dct: dct)
        }
        encoder = try Encoder(reader, configuration: configuration, packing: packing)
        decoder = try Decoder(reader, configuration: configuration, packing: packing)
        preprocessor = PixelPreprocessor(
            configuration.encoder,
            imageSide: side,
            layout: encoder.inputLayout
        )
        do {
            latentDCT = try LatentDCT(
                channels: configuration.channels,
                dct: dct,
                order: configuration.frequency.order,
                split: configuration.frequency.split
            )
        } catch {
            throw .bandSplit(path: directory + "/config.json", error)
        }
        if let bands = configuration.frequency.bands {
            fftBands = try FFTBands(reader, configuration: configuration, bands: bands, fft: latentFFT)
        } else {
            fftBands = nil
        }
        if let normalization = configuration.normalization {
            statistics = try LatentStatistics(
                WeightReader(path: directory + "/" + normalization.file, storage: .float32),
                configuration: configuration,
                epsilon: normalization.epsilon
            )
        } else {
            statistics = nil
        }
        let headReader = try Self.headReader(reader, configuration, path: headPath, storage: storage)
        head = try Self.head(headReader, configuration, isProbe: headPath != nil, packing: packing)
        let ownFile = headReader.flatMap { $0.path == reader.path ? nil : $0.file }
        headFile = ownFile.map(HeadFile.init)
        // A head's labels are its own: those of the folder describe the folder's head.
        let folderLabels = headPath == nil ? configuration.labelsFile.map { directory + "/" + $0 } : nil
        labels = try Self.labels(labelsPath, orIn: ownFile, orAt: folderLabels, classCount: head?.classCount)
    }

    /// Reads a folder's `config.json` alone.
    package static func configuration(in directory: String) throws(ModelError) -> ModelConfiguration {
        let path = directory + "/config.json"
        guard access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR) else {
            let isPublished = access(directory + "/config.yaml", F_OK) == 0 || errno == ENOTDIR
            throw .notAModelFolder(path: directory, isPublished: isPublished)
        }
        let bytes = try read(path, limit: 1 << 20)
        do {
            return try ModelConfiguration(json: bytes)
        } catch {
            throw .configuration(path: path, error)
        }
    }

    /// The file that has the head's tensors; nil without a head.
    private static func headReader(
        _ reader: WeightReader,
        _ configuration: ModelConfiguration,
        path: String?,
        storage: WeightStorage
    ) throws(ModelError) -> WeightReader? {
        if let path { return try WeightReader(path: path, storage: storage, product: reader.product) }
        guard let head = configuration.head else { return nil }
        guard let name = head.file else { return reader }
        return try WeightReader(path: reader.directory + "/" + name, storage: storage, product: reader.product)
    }

    private static func head(
        _ file: WeightReader?,
        _ configuration: ModelConfiguration,
        isProbe: Bool,
        packing: DCTPacking?
    ) throws(ModelError) -> ClassificationHead? {
        guard let file else { return nil }
        if isProbe {
            let classCount = try ClassificationHead.classCount(ofProbe: file, channels: configuration.channels)
            return try ClassificationHead(
                file,
                head: HeadConfiguration(linearProbe: classCount),
                configuration: configuration,
                packing: nil
            )
        }
        guard let head = configuration.head else { return nil }
        return try ClassificationHead(file, head: head, configuration: configuration, packing: packing)
    }

    /// The labels of a file that was asked for, of the head's own metadata or of the folder; the first of these.
    private static func labels(
        _ given: String?,
        orIn head: SafetensorsFile?,
        orAt folderPath: String?,
        classCount: Int?
    ) throws(ModelError) -> [String]? {
        guard let classCount else {
            if let given { throw .labelsWithoutHead(path: given) }
            return nil
        }
        if given == nil, let head, let labels = try HeadFile.labels(in: head, classCount: classCount) { return labels }
        guard let path = given ?? folderPath else { return nil }
        guard let text = String(validating: try read(path, limit: 1 << 24), as: UTF8.self) else {
            throw .labelsNotText(path: path)
        }
        return try HeadFile.labels(ofLines: text, path: path, classCount: classCount)
    }

    private static func read(_ path: String, limit: Int) throws(ModelError) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw .unreadable(path: path, errno: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw .tooLong(path: path, bytes: bytes.count, limit: limit) }
        }
        guard ferror(file) == 0 else { throw .unreadable(path: path, errno: errno) }
        if let content = ForeignContent(bytes) { throw .foreign(path: path, content) }
        return bytes
    }
}
