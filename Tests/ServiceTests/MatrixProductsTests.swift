// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Service
import TensorKernels
import Testing

extension ServiceTests {
    /// The setting `matrix-products`, and where its outcome is read.
    @Suite struct MatrixProductsTests {
        @Test func theSettingTakesThreeValues() throws {
            for value in MatrixProductSetting.allCases {
                let settings = try ServiceConfiguration.merging(
                    flags: [:],
                    environment: ["UAE_MATRIX_PRODUCTS": value.rawValue],
                    file: nil
                )
                #expect(settings.matrixProducts == value)
            }
            #expect(try ServiceConfiguration.merging(flags: [:], environment: [:], file: nil).matrixProducts == nil)
            #expect(
                throws: SettingError.invalid(
                    name: "--matrix-products",
                    value: "mkl",
                    expected: "packed, openblas, auto"
                )
            ) {
                try ServiceConfiguration.merging(flags: ["matrix-products": "mkl"], environment: [:], file: nil)
            }
        }

        @Test(arguments: MatrixProductSetting.allCases)
        func infoAndTheReadyLineNameTheProduct(setting: MatrixProductSetting) async throws {
            let recorder = LogRecorder()
            let settings = TestService.settings { $0.matrixProducts = setting }
            try await TestService.run(logger: recorder.logger, settings: settings) { client in
                let info = try #require(try await client.get("/info").json["matrix_products"] as? [String: Any])
                let product = try #require(info["product"] as? String)
                #expect(setting == .auto || product == setting.rawValue)
                #expect(info["setting"] as? String == setting.rawValue)
                #expect(info["instruction_set"] as? String == KernelSet.best.name)
                #expect((info["openblas"] as? String != nil) == (product == "openblas"))
                let trial = info["trial"] as? [String: Any]
                #expect((trial != nil) == (setting == .auto))
                if let trial { #expect(try #require(trial["ratio"] as? Double) >= 1) }
                let ready = try #require(recorder.lines.first { $0.hasPrefix("ready ") })
                #expect(ready.contains("\"matrix_products\": \(product)"), "\(ready)")
                #expect(ready.contains("matrix_products_ratio") == (setting == .auto), "\(ready)")
            }
        }

        @Test func aProductThatCannotBeHadEndsTheStart() async throws {
            let settings = TestService.settings {
                $0.matrixProducts = .openblas
                $0.weightStorage = "float16"
            }
            await #expect {
                try await TestService.run(settings: settings) { _ in }
            } throws: { error in
                guard case .model(.matrixProducts(.halfPrecision)) = error as? ServiceError else { return false }
                return (error as? ServiceError)?.exitCode == 78
            }
            let missing = MatrixProductError.openBLAS(.notLoaded(library: "lib", reason: "lib: not there"))
            let error = ServiceError.model(.matrixProducts(missing))
            #expect(error.exitCode == 69 && error.description.hasPrefix("OpenBLAS cannot be loaded: lib: not there"))
        }
    }
}
