// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import FrequencyBands
import HTTPTypes
import HTTPWire
import ImageCodec
import InferenceQueue

/// One request to an operation, from its body to its answer.
struct InferenceRequest: Sendable {
    let operation: Operation
    let core: InferenceCore
    let configuration: ServiceConfiguration
    let metrics: ServiceMetrics
    let requestID: String
    let caller: Caller

    /// Answers the request.
    ///
    /// - Parameters:
    ///   - request: the whole request.
    ///   - timings: filled in on the way, also when the request fails.
    /// - Returns: the answer.
    /// - Throws: the `Problem` to answer with.
    func answer(_ request: Request, timings: inout StageTimings) async throws(Problem) -> Response {
        let clock = ContinuousClock()
        timings.read = request.bodyAt - request.headAt
        let begun = clock.now
        let understood = try understand(request)
        let outcomes = try await outcomes(
            understood.input.items,
            understood.parameters,
            deadline: request.headAt + understood.parameters.timeout,
            begun: begun,
            timings: &timings
        )
        let writing = clock.now
        defer { timings.write = clock.now - writing }
        return try await response(outcomes, understood.parameters, understood.form)
    }

    /// A request taken apart and checked, its pictures not yet decoded.
    struct Understood {
        let input: RequestInput
        let parameters: RequestParameters
        let form: AnswerForm
    }

    /// - Throws: the `Problem` to answer with.
    func understand(_ request: Request) throws(Problem) -> Understood {
        var set = ParameterSet(operation: operation)
        for parameter in request.head.query { try set.add(parameter.name, parameter.value) }
        let reader = InputReader(
            operation: operation,
            geometry: core.geometry,
            cutoff: core.model.configuration.frequency.cutoff,
            bandMode: core.model.configuration.frequency.mode,
            limits: InputReader.Limits(items: configuration.maxClientItems, bodyBytes: configuration.maxBodyBytes)
        )
        let input = try reader.read(request, parameters: &set)
        let parameters = try RequestParameters(
            set,
            operation: operation,
            coefficientCount: core.model.configuration.tokenCount,
            outputSide: core.model.configuration.outputSide,
            timeoutLimit: configuration.requestTimeout
        )
        if operation == .classify, core.model.hasHead, parameters.topK > core.model.classCount {
            throw .badParameter("top_k", String(parameters.topK), allowed: "1 to \(core.model.classCount)")
        }
        let form = try AnswerForm(
            parameters,
            accept: request.head.fields[.accept],
            isJSON: input.isJSON,
            itemCount: input.items.count
        )
        return Understood(input: input, parameters: parameters, form: form)
    }

    /// Everything of a request short of the engine.
    ///
    /// - Returns: how many of its items the engine would be given.
    /// - Throws: the `Problem` to answer with.
    func rehearse(_ request: Request) throws(Problem) -> Int {
        let understood = try understand(request)
        let builder = builder(understood.parameters)
        let items = understood.input.items
        let built = items.map { build($0, of: items.count, builder) }
        if understood.parameters.onError == .fail, let failure = built.compactMap(\.problem).first { throw failure }
        return built.compactMap(\.task).count
    }

    private func builder(_ parameters: RequestParameters) -> TaskBuilder {
        TaskBuilder(model: core.model, parameters: parameters, maximumPixels: configuration.maxImagePixels)
    }

    // MARK: Pictures to results

    private func outcomes(
        _ items: [InputItem],
        _ parameters: RequestParameters,
        deadline: ContinuousClock.Instant,
        begun: ContinuousClock.Instant,
        timings: inout StageTimings
    ) async throws(Problem) -> [ItemOutcome] {
        let clock = ContinuousClock()
        let copies = parameters.flip == .both ? 2 : 1
        let reservation: Reservation
        do {
            reservation = try core.queue.reserve(
                items: items.count * copies,
                cost: items.reduce(0) { $0 + cost($1, parameters) } * Double(copies),
                caller: caller
            )
        } catch {
            metrics.rejected(error.problem.kind)
            throw error.problem
        }
        // Decoded and checked before they enter the queue, so that one bad item hurts nobody.
        let built = await build(items, parameters, deadline: deadline)
        timings.image = clock.now - begun
        if parameters.onError == .fail, let failure = built.compactMap(\.problem).first { throw failure }
        let usable = built.compactMap(\.task)
        if usable.isEmpty, let failure = built.first?.problem { throw failure }
        let answers: InferenceQueue<EngineBackend>.Answer
        do {
            answers = try await core.queue.submit(
                usable.flatMap(\.plans),
                reservation: reservation,
                deadline: deadline,
                timeout: parameters.timeout
            )
        } catch {
            throw error.problem
        }
        timings.queue = answers.map(\.wait).max() ?? .zero
        timings.infer = answers.map(\.run).max() ?? .zero
        return try merge(built, answers.map(\.output), copies: copies, parameters)
    }

    private func cost(_ item: InputItem, _ parameters: RequestParameters) -> Double {
        core.engine.cost(of: builder(parameters).outputs, encodesImage: item.isPicture)
    }

    /// One item's plans (two with `flip=both`) and pixels.
    private struct PlannedItem: Sendable {
        let plans: [TaskPlan]
        let pixels: RGBImage?
    }

    /// One item's task, or why there is none.
    private struct BuiltItem: Sendable {
        let id: String
        let task: PlannedItem?
        let problem: Problem?
    }

    private func build(
        _ item: InputItem,
        of count: Int,
        _ builder: TaskBuilder,
        deadline: ContinuousClock.Instant? = nil
    ) -> BuiltItem {
        do throws(Problem) {
            // It may have waited long for its turn; those that are still in time should not wait for it.
            if let deadline, deadline <= .now {
                throw QueueError.deadlineExceeded(stage: .queue, timeout: builder.parameters.timeout).problem
            }
            let built = try builder.build(item)
            var tasks = [built.task]
            if builder.parameters.flip == .both {
                tasks.append(built.task)
                tasks[1].flipped = true
            }
            do throws(TaskError) {
                let plans = try tasks.map { task throws(TaskError) in try core.engine.plan(task) }
                let planned = PlannedItem(plans: plans, pixels: built.pixels)
                return BuiltItem(id: item.id, task: planned, problem: nil)
            } catch {
                throw error.problem
            }
        } catch {
            return BuiltItem(id: item.id, task: nil, problem: count > 1 ? error.forItem(item.id) : error)
        }
    }

    private func build(
        _ items: [InputItem],
        _ parameters: RequestParameters,
        deadline: ContinuousClock.Instant
    ) async -> [BuiltItem] {
        let builder = builder(parameters)
        @Sendable func build(_ item: InputItem) -> BuiltItem {
            self.build(item, of: items.count, builder, deadline: deadline)
        }
        if items.count == 1 { return [await core.pictures.run { build(items[0]) }] }
        let pictures = core.pictures
        return await withTaskGroup(of: (Int, BuiltItem).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask {
                    // A client that has left needs no pictures decoded.
                    if Task.isCancelled {
                        return (index, BuiltItem(id: item.id, task: nil, problem: QueueError.cancelled.problem))
                    }
                    return (index, await pictures.run { build(item) })
                }
            }
            var built = [BuiltItem?](repeating: nil, count: items.count)
            for await (index, item) in group { built[index] = item }
            return built.compactMap(\.self)
        }
    }

    private func merge(
        _ built: [BuiltItem],
        _ outputs: [Result<AutoencoderResult, TaskError>],
        copies: Int,
        _ parameters: RequestParameters
    ) throws(Problem) -> [ItemOutcome] {
        var outcomes: [ItemOutcome] = []
        var next = 0
        for item in built {
            guard let task = item.task else {
                let problem = item.problem ?? Problem(.internalError, "An item was lost.")
                outcomes.append(ItemOutcome(id: item.id, result: .failure(problem)))
                continue
            }
            var results: [AutoencoderResult] = []
            var failure: Problem?
            for output in outputs[next..<next + copies] {
                switch output {
                case .success(let result): results.append(result)
                case .failure(let error): failure = error.problem
                }
            }
            next += copies
            if let failure {
                let named = built.count > 1 ? failure.forItem(item.id) : failure
                if parameters.onError == .fail { throw named }
                outcomes.append(ItemOutcome(id: item.id, result: .failure(named)))
            } else {
                let answer = ItemOutcome.Answer(results: results, pixels: task.pixels)
                outcomes.append(ItemOutcome(id: item.id, result: .success(answer)))
            }
        }
        let failed = outcomes.count { $0.problem != nil }
        metrics.items(outcomes.count - failed, operation: operation.rawValue, outcome: "ok")
        if failed > 0 { metrics.items(failed, operation: operation.rawValue, outcome: "failed") }
        return outcomes
    }

    // MARK: Results to bytes

    private func response(
        _ outcomes: [ItemOutcome],
        _ parameters: RequestParameters,
        _ form: AnswerForm
    ) async throws(Problem) -> Response {
        let identity = core.identity
        switch operation {
        case .encode:
            guard case .tensor(let format) = form else { throw Problem(.internalError, "No form was chosen.") }
            let builder = builder(parameters)
            let isRaw = parameters.pool == .mean || parameters.layout == .freqTokens
            let answer = LatentAnswer(
                model: identity,
                geometry: core.geometry,
                parameters: parameters,
                split: try builder.split(isPicture: true),
                frequencyTokenCount: parameters.layout == .freqTokens ? builder.frequencyTokenCount : nil,
                order: core.model.configuration.frequency.order,
                hasBands: core.model.configuration.frequency.bands != nil,
                isNormalized: isRaw ? false : try builder.isNormalized()
            )
            return try answer.response(outcomes, format: format)
        case .decode: return try await pictureResponse(outcomes, parameters, form)
        case .spectrum:
            let configuration = core.model.configuration
            return try SpectrumAnswer(
                model: identity,
                parameters: parameters,
                frequency: configuration.frequency,
                gridSide: configuration.gridSide
            ).response(outcomes, form: form)
        case .classify:
            return ClassAnswer(model: identity, labels: core.model.labels, topK: parameters.topK).response(outcomes)
        }
    }

    private func pictureResponse(
        _ outcomes: [ItemOutcome],
        _ parameters: RequestParameters,
        _ form: AnswerForm
    ) async throws(Problem) -> Response {
        let format: PictureFormat = form == .picture(.jpg) ? .jpg : parameters.pictureFormat ?? .png
        let quality = parameters.quality ?? 95
        let pictures = core.pictures
        let encoded = await withTaskGroup(of: (Int, Result<PictureAnswer.Encoded, Problem>).self) { group in
            for (index, outcome) in outcomes.enumerated() {
                group.addTask {
                    switch outcome.result {
                    case .failure(let problem): return (index, .failure(problem))
                    case .success(let answer):
                        return await pictures.run {
                            do throws(Problem) {
                                return (index, .success(try PictureAnswer.encode(answer, as: format, quality: quality)))
                            } catch {
                                return (index, .failure(error))
                            }
                        }
                    }
                }
            }
            var encoded: [Int: Result<PictureAnswer.Encoded, Problem>] = [:]
            for await (index, result) in group { encoded[index] = result }
            return encoded
        }
        let lost = Result<PictureAnswer.Encoded, Problem>.failure(Problem(.internalError, "A picture was lost."))
        return try PictureAnswer(model: core.identity, parameters: parameters).response(
            outcomes.enumerated().map { ($1.id, encoded[$0] ?? lost) },
            form: form,
            format: format,
            requestID: requestID
        )
    }
}
