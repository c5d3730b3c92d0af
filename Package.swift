// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// One list for every target, so that no target can be laxer than another.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

// C kernels choose their instruction set at run time, so the baseline stays the architecture's own.
let kernels: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=fast", "-fno-math-errno", "-Wall", "-Werror"])]

/// A Swift target and its test target, named `name` and `nameTests`.
func targetWithTests(
    _ name: String,
    _ dependencies: [Target.Dependency] = [],
    tests: [Target.Dependency] = []
) -> [Target] {
    [
        .target(name: name, dependencies: dependencies, swiftSettings: strict),
        .testTarget(
            name: name + "Tests",
            dependencies: [.byName(name: name), "Fixtures"] + tests,
            swiftSettings: strict
        ),
    ]
}

let package = Package(
    name: "uae-serve",
    products: [.executable(name: "uae", targets: ["uae"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // System libraries: a module map each, imported by one Swift target only.
        // OpenBLAS gives its header alone; the library is opened at run time.
        .systemLibrary(name: "COpenBLAS"),
        .systemLibrary(name: "CFFTW"),
        .systemLibrary(name: "CSPNG"),
        .systemLibrary(name: "CWebP"),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CNGHTTP2"),
        .systemLibrary(name: "CEpoll"),
        .target(name: "CKernels", cSettings: kernels),
        .target(name: "CPixels", cSettings: kernels),
        .target(name: "CEmbedded", exclude: ["page.html", "samples"]),
        // libjpeg, whose errors leave by longjmp.
        .target(name: "CJPEG", linkerSettings: [.linkedLibrary("jpeg")]),
        .executableTarget(
            name: "kernel-bench",
            dependencies: ["TensorKernels"],
            path: "benchmarks/kernels",
            swiftSettings: strict
        ),
        // Runs the engine on request, in turn with its peers; see benchmarks/README.md.
        .executableTarget(
            name: "engine-bench",
            dependencies: ["Autoencoder", "FrequencyBands", "ImageCodec", "TensorKernels"],
            path: "benchmarks/engine",
            swiftSettings: strict
        ),
        // `make model-init`.
        .executableTarget(
            name: "model-init",
            dependencies: [
                "Autoencoder", "ModelInitialization",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "tools/model-init",
            swiftSettings: strict
        ),
        // Golden checkpoints, converted when a test first needs one; no product links it.
        .target(
            name: "ConvertedModels",
            dependencies: ["CheckpointConversion", "Fixtures"],
            path: "Tests/ConvertedModels",
            swiftSettings: strict
        ),
        // A client that speaks HTTP/2 frame by frame, rightly or wrongly; no product links it.
        .target(name: "HTTP2Peer", dependencies: ["CNGHTTP2"], path: "Tests/HTTP2Peer", swiftSettings: strict),
        // Counts what a thread of the test program allocates; no product links it.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .target(
            name: "Fixtures",
            path: "Tests/Fixtures",
            exclude: ["data", "make_array_cases.py", "make_picture_cases.py", "picture_cases"],
            swiftSettings: strict
        ),
    ]
        // The engine: knows tensors and images, not HTTP.
        + targetWithTests("Checksums", ["CZlib", .product(name: "Crypto", package: "swift-crypto")])
        + targetWithTests("TensorFiles", ["Checksums"], tests: ["Checksums"])
        + targetWithTests("TensorKernels", ["CKernels", "COpenBLAS"])
        + targetWithTests("FrequencyBands", ["CFFTW"], tests: ["TensorFiles"])
        + targetWithTests(
            "ImageCodec",
            ["Checksums", "CPixels", "CJPEG", "CSPNG", "CWebP"],
            tests: ["Checksums", "TensorFiles"]
        )
        + targetWithTests(
            "Autoencoder",
            ["TensorKernels", "FrequencyBands", "TensorFiles"],
            tests: ["TensorKernels", "FrequencyBands", "TensorFiles", "AllocationCounter", "ConvertedModels"]
        )
        // Models with random weights, for tests and benchmarks; no product links it.
        + targetWithTests(
            "ModelInitialization",
            ["Autoencoder", "FrequencyBands", "TensorFiles"],
            tests: ["Autoencoder", "TensorFiles"]
        )
        // From the authors' checkpoints to model folders.
        + targetWithTests(
            "CheckpointConversion",
            ["Autoencoder", "FrequencyBands", "TensorFiles", "Yams"],
            tests: ["Autoencoder", "Checksums", "ConvertedModels", "FrequencyBands", "TensorFiles"]
        )
        // Inputs and results of the command line.
        + targetWithTests("LocalFiles")
        // The server: knows bytes and deadlines, not the model.
        + targetWithTests("InferenceQueue")
        + targetWithTests(
            "HTTPWire",
            ["CNGHTTP2", .product(name: "HTTPTypes", package: "swift-http-types")],
            tests: ["HTTP2Peer", .product(name: "HTTPTypes", package: "swift-http-types")]
        )
        + targetWithTests(
            "SocketServer",
            ["CEpoll", "HTTPWire", .product(name: "HTTPTypes", package: "swift-http-types")],
            tests: ["HTTP2Peer", "HTTPWire"]
        )
        // The only place that knows both sides.
        + targetWithTests(
            "Service",
            [
                "Autoencoder", "ImageCodec", "FrequencyBands", "TensorFiles", "TensorKernels",
                "InferenceQueue",
                "HTTPWire",
                "SocketServer", "CEmbedded", "Yams",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            tests: [
                "TensorFiles", "TensorKernels", "Autoencoder", "CheckpointConversion", "ConvertedModels", "ImageCodec",
                "Checksums", "HTTPWire", "Yams",
                .product(name: "Logging", package: "swift-log"),
            ]
        )
        + [
            .executableTarget(
                name: "uae",
                dependencies: [
                    "Service", "Autoencoder", "CheckpointConversion", "HTTPWire", "LocalFiles", "TensorKernels",
                    .product(name: "ArgumentParser", package: "swift-argument-parser"),
                    .product(name: "Logging", package: "swift-log"),
                    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                    .product(name: "HTTPTypes", package: "swift-http-types"),
                ],
                swiftSettings: strict
            )
        ]
)

// `make fuzz` only: libFuzzer needs every target compiled for it.
if Context.environment["UAE_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "fuzz/driver"),
        .executableTarget(
            name: "uae-fuzz",
            dependencies: [
                "CFuzzer", "HTTPWire", "TensorFiles", "ImageCodec", "CheckpointConversion", "Service",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "fuzz/targets",
            swiftSettings: strict
        ),
    ]
}

// `make sanitize` only: defines functions of Swift's own library, for the thread sanitizer to see them.
if Context.environment["UAE_SANITIZE_THREADS"] != nil {
    package.targets.append(.target(name: "ThreadSanitizerHooks", path: "Tests/ThreadSanitizerHooks"))
    // Every test target has this one.
    package.targets.first { $0.name == "Fixtures" }?.dependencies.append("ThreadSanitizerHooks")
}
