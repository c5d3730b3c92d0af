// SPDX-License-Identifier: Apache-2.0

package import Autoencoder
import FrequencyBands
import TensorKernels

/// The document of `/info` and `uae info`: the model and the service.
package struct InfoDocument: Sendable {
    let model: AutoencoderModel
    let threads: Int
    let configuration: ServiceConfiguration

    package init(model: AutoencoderModel, threads: Int, configuration: ServiceConfiguration) {
        self.model = model
        self.threads = threads
        self.configuration = configuration
    }

    package var json: JSONValue {
        let settings = model.configuration
        let side = settings.gridSide
        let shape: JSONValue = .array([.integer(settings.channels), .integer(side), .integer(side)])
        return [
            "version": .string(ServiceVersion.current),
            "model": .string(settings.name),
            "revision": .string(settings.revision),
            "family": .string(settings.encoder.family.rawValue),
            "sha256": .string(model.weightsSHA256),
            "parameter_bytes": .integer(model.parameterBytes),
            "weight_storage": .string(configuration.weightStorage),
            "matrix_products": matrixProducts,
            "image_side": .integer(settings.imageSide),
            "encoder_input_side": .integer(settings.encoderInputSide),
            "output_side": .integer(settings.outputSide),
            "grid_side": .integer(side),
            "latent_shape": shape,
            "layouts": .array(LatentLayout.allCases.map { .string($0.rawValue) }),
            "dtypes": .array(WireDType.allCases.map { .string($0.rawValue) }),
            "formats": .array(TensorFormat.allCases.map { .string($0.rawValue) }),
            "frequency": frequency,
            "normalization": normalization,
            "head": head,
            "threads": .integer(threads),
            "limits": limits,
        ]
    }

    private var matrixProducts: JSONValue {
        let products = model.products
        var library = JSONValue.null
        if case .openBLAS(let openBLAS) = products.product { library = .string(openBLAS.configuration) }
        let trial = products.trial.map { trial -> JSONValue in
            [
                "packed_gflops": .number(trial.packedRate),
                "openblas_gflops": .number(trial.openBLASRate),
                "ratio": .number(trial.ratio),
            ]
        }
        return [
            "product": .string(products.product.name),
            "setting": products.setting.map { .string($0.rawValue) } ?? .null,
            "instruction_set": .string(KernelSet.best.name),
            "openblas": library,
            "trial": trial ?? .null,
            "note": products.note.map(JSONValue.string) ?? .null,
        ]
    }

    private var frequency: JSONValue {
        let frequency = model.configuration.frequency
        var bands = JSONValue.null
        var transform = "dct"
        switch frequency.transform {
        case .dct: break
        case .none: transform = "none"
        case .fft(let fft):
            transform = "fft"
            bands = .integer(fft.schedule.count)
        }
        return [
            "transform": .string(transform),
            "order": .string(frequency.order.rawValue),
            "cutoff_mode": .string(frequency.cutoff.rawValue),
            "band_mode": .string(frequency.mode.rawValue),
            "keep": frequency.count.map(JSONValue.integer) ?? .null,
            "decode_from_split_band": .bool(frequency.decodeCount != nil && frequency.decodesCorner),
            "decode_keep_count": frequency.decodeCount.map(JSONValue.integer) ?? .null,
            "fft_bands": bands,
        ]
    }

    private var normalization: JSONValue {
        guard let statistics = model.statistics else { return ["present": false] }
        return [
            "present": true,
            "formula": "(latent - mean) / sqrt(var + eps)",
            "eps": .float(statistics.epsilon),
            "stats_id": .string(statistics.identifier),
        ]
    }

    private var head: JSONValue {
        guard model.hasHead else { return ["present": false] }
        return [
            "present": true,
            "classes": .integer(model.classCount),
            "labels": .bool(model.labels != nil),
            "name": model.headFile.map { .string($0.name) } ?? .null,
            "sha256": model.headFile.map { .string($0.sha256) } ?? .null,
        ]
    }

    private var limits: JSONValue {
        func milliseconds(_ duration: Duration) -> JSONValue { .integer(Int(duration / .milliseconds(1))) }
        return [
            "max_batch_size": .integer(configuration.maxBatchSize),
            "max_queue_items": .integer(configuration.maxQueueItems),
            "max_client_items": .integer(configuration.maxClientItems),
            "request_timeout_ms": milliseconds(configuration.requestTimeout),
            "max_body_bytes": .integer(configuration.maxBodyBytes),
            "max_inflight_bytes": .integer(configuration.maxInflightBytes),
            "max_image_pixels": .integer(configuration.maxImagePixels),
            "max_image_side": 16_384,
            "header_timeout_ms": milliseconds(configuration.headerTimeout),
            "body_timeout_ms": milliseconds(configuration.bodyTimeout),
            "idle_timeout_ms": milliseconds(configuration.idleTimeout),
            "write_timeout_ms": milliseconds(configuration.writeTimeout),
            "max_connections": .integer(configuration.maxConnections),
        ]
    }
}

/// This build.
package enum ServiceVersion {
    package static let current = "0.1.0"
}

extension LatentStatistics {
    /// A hash of the statistics: two services with the same id normalise alike.
    var identifier: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in mean + variance + [epsilon] {
            hash = (hash ^ UInt64(value.bitPattern)) &* 0x0000_0100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
