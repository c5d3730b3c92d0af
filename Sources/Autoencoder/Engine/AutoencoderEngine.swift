// SPDX-License-Identifier: Apache-2.0

import FrequencyBands
import TensorKernels

/// Runs tasks on a model.
///
/// Owns the compute threads and a workspace for each.
///
/// Images run side by side, each on one thread, or are shared by all threads, whichever takes less time. Either way
/// every number is computed by the same operations in the same order, so an image's result does not depend on the rest
/// of its batch.
package final class AutoencoderEngine: Sendable {
    package let model: AutoencoderModel
    private let team: ComputeTeam
    /// For images that all threads share.
    private let shared: ComputeContext
    /// For images that each thread has to itself, one context for each thread.
    private let separate: [ComputeContext]
    private let encodeOperations: Double
    private let decodeOperations: Double
    private let headOperations: Double

    /// Compute threads, the caller's included.
    package var threadCount: Int { team.size }

    /// Starts the threads and allocates their workspaces.
    ///
    /// - Parameters:
    ///   - model: the model.
    ///   - threads: compute threads, the caller's included.
    ///   - memoryLimit: bytes that the workspaces may take; by default the machine's memory.
    /// - Throws: `ModelError.memoryExceeded`, `.noMemory`.
    package init(
        model: AutoencoderModel,
        threads: Int,
        memoryLimit: Int = PhysicalMemory.byteCount
    ) throws(ModelError) {
        self.model = model
        let team = ComputeTeam(size: threads)
        self.team = team
        // The first workspace serves the whole team and, at another time, its first member alone.
        let single = TaskExecution.scratchCount(model: model, team: .solo)
        let whole = team.size == 1 ? single : TaskExecution.scratchCount(model: model, team: team)
        let first = max(single, whole)
        let needed = (Double(first) + Double(single) * Double(team.size - 1)) * Double(MemoryLayout<Float>.stride)
        guard needed <= Double(memoryLimit) else {
            throw .memoryExceeded(
                path: model.directory,
                use: .workspaces,
                bytes: Int(exactly: needed.rounded()) ?? .max,
                limit: memoryLimit
            )
        }
        var workspaces: [Workspace] = []
        for member in 0..<team.size {
            guard let workspace = Workspace(capacity: member == 0 ? first : single) else {
                throw .noMemory(path: model.directory, use: .workspaces, bytes: Int(needed))
            }
            workspaces.append(workspace)
        }
        shared = ComputeContext(team: team, workspace: workspaces[0])
        separate = workspaces.map { ComputeContext(team: .solo, workspace: $0) }
        encodeOperations = model.encodeOperations
        decodeOperations = model.decodeOperations
        headOperations = model.headOperations
    }

    /// The work of a task in units of one encoding, known before its input is read.
    ///
    /// - Parameters:
    ///   - outputs: the outputs that the task requests.
    ///   - encodesImage: whether its input is pixels, not a latent.
    /// - Returns: 1 for an encoding.
    package func cost(of outputs: AutoencoderTask.Outputs, encodesImage: Bool) -> Double {
        // Reading, cutting and writing take a share too.
        var operations = encodeOperations * 0.02
        if encodesImage, !outputs.subtracting(.ofImage).isEmpty { operations += encodeOperations }
        if !outputs.isDisjoint(with: .images) { operations += decodeOperations }
        // The empty latent is decoded too.
        if outputs.contains(.contribution) { operations += decodeOperations }
        if outputs.contains(.logits) { operations += headOperations }
        return operations / encodeOperations
    }

    /// Checks a task against the model before it is queued.
    ///
    /// - Returns: what ``run(_:)`` takes.
    package func plan(_ task: AutoencoderTask) throws(TaskError) -> TaskPlan {
        let cost = cost(of: task.outputs, encodesImage: task.input.isPixels)
        return try TaskPlan(task, model: model, cost: cost)
    }

    /// Runs planned tasks; one caller at a time.
    ///
    /// - Parameter plans: made by this engine.
    /// - Returns: one result for each plan, in order. A task whose numbers overflow fails alone; if it would whatever
    ///   its input, with ``TaskError/modelNotFinite``.
    package func run(_ plans: [TaskPlan]) -> [Result<AutoencoderResult, TaskError>] {
        var results = [Result<AutoencoderResult, TaskError>](repeating: .failure(.nothingAsked), count: plans.count)
        let schedule = BatchSchedule(costs: plans.map(\.cost), teamSize: team.size)
        results.withUnsafeMutableBufferPointer { results in
            for index in schedule.shared {
                results[index] = perform(plans[index], in: shared)
            }
            team.forEach(schedule.separate.count) { place, member in
                let index = schedule.separate[place]
                results[index] = perform(plans[index], in: separate[member])
            }
        }
        return results
    }

    /// Runs every layer once, so that no request pays for the first touch of the weights and of the workspaces.
    ///
    /// A decoder that accepts part of a latent gets a few tokens: they touch all its weights in a tenth of the time.
    ///
    /// - Throws: `ModelError.resultNotFinite`.
    package func warmUp(batch: Int) throws(ModelError) {
        let configuration = model.configuration
        let pixels = [UInt8](repeating: 128, count: configuration.imageSide * configuration.imageSide * 3)
        var task = AutoencoderTask(input: .pixels(pixels), outputs: [.latent])
        if model.hasHead { task.outputs.insert(.logits) }
        task.cut = configuration.frequency.split.map(CoefficientCut.split)
        task.normalizeLatent = configuration.normalization != nil
        let side = max(configuration.gridSide / 4, 1)
        let tokens = [Float](repeating: 0, count: configuration.channels * side * side)
        let corner = TokenCorner(position: .topLeft, side: side)
        let decoding = AutoencoderTask(input: .compactTokens(tokens, corner), outputs: [.image])
        let decoded = try? plan(decoding)
        if decoded == nil { task.outputs.insert(.image) }
        let one = [try? plan(task), decoded].compactMap(\.self)
        for result in run(Array(repeating: one, count: max(batch, 1)).flatMap(\.self)) {
            if case .failure(.modelNotFinite) = result { throw .resultNotFinite(path: model.directory) }
        }
    }

    private func perform(
        _ plan: TaskPlan,
        in context: ComputeContext
    ) -> Result<AutoencoderResult, TaskError> {
        let execution = TaskExecution(model: model, context: context)
        do throws(TaskError) {
            return .success(try execution.result(of: plan))
        } catch {
            guard error == .resultNotFinite else { return .failure(error) }
            // A latent of zeros tells whether the values of this one are too large or the model is at fault.
            guard let zeros = plan.withZeros else { return .failure(.modelNotFinite) }
            do throws(TaskError) {
                _ = try execution.result(of: zeros)
                return .failure(.resultNotFinite)
            } catch {
                return .failure(.modelNotFinite)
            }
        }
    }
}
