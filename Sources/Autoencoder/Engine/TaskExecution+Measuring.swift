// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

extension TaskExecution {
    /// Floats of scratch memory that no task exceeds.
    static func scratchCount(model: AutoencoderModel, team: ComputeTeam) -> Int {
        ComputeContext.measure(team: team) { context in
            for task in demandingTasks(of: model) {
                do throws(TaskError) {
                    let plan = try TaskPlan(task, model: model, cost: 0)
                    _ = try TaskExecution(model: model, context: context).result(of: plan)
                } catch {
                    preconditionFailure("a task that every model can do failed: \(error)")
                }
            }
        }.scratchCount
    }

    /// Tasks that between them take every path and, where the size of a path depends on the task, every size.
    private static func demandingTasks(of model: AutoencoderModel) -> [AutoencoderTask] {
        let configuration = model.configuration
        let pixels = [UInt8](repeating: 0, count: configuration.imageSide * configuration.imageSide * 3)
        var tasks: [AutoencoderTask] = []
        var outputs: AutoencoderTask.Outputs = [.latent, .pooled, .frequencyTokens, .image, .reconstruction]
        if model.hasHead {
            outputs.insert(.logits)
            tasks.append(AutoencoderTask(input: .pixels(pixels), outputs: .logits))
        }
        let energies: [AutoencoderTask.Outputs] = [
            .coefficientEnergies, .fftEnergies, .imageEnergies, .imageFFTEnergies,
        ]
        for energy in energies {
            var task = AutoencoderTask(input: .pixels(pixels), outputs: outputs.union(energy))
            task.frequencyTokenCount = 1
            task.cut = configuration.frequency.split.map(CoefficientCut.split)
            tasks.append(task)
        }
        var contribution = AutoencoderTask(input: .pixels(pixels), outputs: .contribution)
        if model.fftBands != nil { contribution.bands = .only(0) }
        let latent = [Float](repeating: 0, count: configuration.latentCount)
        let mixture = AutoencoderTask.Input.mixture(latent, latent, BandSplit(count: 0))
        tasks += [contribution, AutoencoderTask(input: mixture, outputs: outputs)]
        tasks[tasks.count - 1].frequencyTokenCount = 1
        if model.decoder.decodesCompactly {
            for side in 1...configuration.gridSide {
                var task = AutoencoderTask(input: .latent(latent), outputs: .image)
                task.decodedCorner = TokenCorner(position: .topLeft, side: side)
                tasks.append(task)
            }
        }
        return tasks
    }
}
