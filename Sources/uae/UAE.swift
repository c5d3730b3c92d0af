// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Service
import TensorKernels

struct UAE: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uae",
        abstract: "The Unified Autoencoder: images to latents and back, as a service and on files.",
        version: ServiceVersion.current,
        subcommands: [
            ServeCommand.self, EncodeCommand.self, DecodeCommand.self, SpectrumCommand.self, ClassifyCommand.self,
            InfoCommand.self, HealthCommand.self, ConvertCommand.self,
        ]
    )
}

@main
enum Program {
    static func main() async {
        StandardDescriptors.occupy()
        MemoryAllocator.returnLargeBlocks()
        // Changes the environment, so it comes before anything that may start a thread.
        OpenBLAS.bindThreadCount()
        await UAE.main()
    }
}
