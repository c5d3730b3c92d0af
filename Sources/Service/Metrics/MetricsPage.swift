// SPDX-License-Identifier: Apache-2.0

import InferenceQueue

/// The page at `/metrics`.
struct MetricsPage {
    let counters: ServiceMetrics.Counters
    let queue: QueueSnapshot
    /// Jobs that wait for an image thread.
    let imageJobs: Int
    let inflightBytes: Int
    let droppedLogLines: Int
    let isReady: Bool
    let model: ModelIdentity?
    let weightStorage: String
    let cpuBudget: CPUBudget

    var text: String {
        var page = PrometheusText()
        addRequests(&page)
        addStages(&page)
        addQueue(&page)
        addModel(&page)
        addProcess(&page)
        return page.text
    }

    private func addRequests(_ page: inout PrometheusText) {
        page.family("uae_requests_total", "counter", "Requests with a response.")
        let requests = counters.requests.sorted { ($0.key.operation, $0.key.code) < ($1.key.operation, $1.key.code) }
        for (key, count) in requests {
            page.sample("uae_requests_total", [("op", key.operation), ("code", String(key.code))], Double(count))
        }
        page.family("uae_request_duration_seconds", "histogram", "Time from the head of a request to its response.")
        for (operation, histogram) in counters.durations.sorted(by: { $0.key < $1.key }) {
            page.histogram("uae_request_duration_seconds", [("op", operation)], histogram)
        }
        page.family("uae_rejected_total", "counter", "Requests refused, by reason.")
        for (reason, count) in counters.rejected.sorted(by: { $0.key < $1.key }) {
            page.sample("uae_rejected_total", [("reason", reason)], Double(count))
        }
        gauge(&page, "uae_inflight_requests", "Requests in progress.", Double(counters.inflightRequests))
        gauge(&page, "uae_inflight_bytes", "Bytes of request bodies and responses in memory.", Double(inflightBytes))
    }

    private func addStages(_ page: inout PrometheusText) {
        page.family("uae_stage_duration_seconds", "histogram", "Time of each stage of a request.")
        let stages = counters.stages.sorted { ($0.key.operation, $0.key.stage) < ($1.key.operation, $1.key.stage) }
        for (key, histogram) in stages {
            page.histogram(
                "uae_stage_duration_seconds",
                [("op", key.operation), ("stage", key.stage)],
                histogram
            )
        }
        page.family("uae_items_total", "counter", "Images and latents processed.")
        let items = counters.items.sorted { ($0.key.operation, $0.key.outcome) < ($1.key.operation, $1.key.outcome) }
        for (key, count) in items {
            page.sample("uae_items_total", [("op", key.operation), ("outcome", key.outcome)], Double(count))
        }
    }

    private func addQueue(_ page: inout PrometheusText) {
        gauge(&page, "uae_queue_items", "Items waiting.", Double(queue.waitingItems))
        gauge(&page, "uae_queue_cost", "Work waiting, in encodes.", queue.waitingCost)
        gauge(&page, "uae_queue_oldest_seconds", "Age of the oldest waiting item.", queue.oldestWait.seconds)
        gauge(&page, "uae_image_jobs", "Jobs waiting for an image thread.", Double(imageJobs))
        page.family("uae_batches_total", "counter", "Batches run.")
        page.sample("uae_batches_total", [], Double(queue.batches))
        gauge(&page, "uae_batch_items", "Items of the latest batch.", Double(queue.lastBatchItems))
        page.family("uae_cancelled_items_total", "counter", "Items dropped before their result was used.")
        page.sample("uae_cancelled_items_total", [("where", "queue")], Double(queue.cancelledInQueue))
        page.sample("uae_cancelled_items_total", [("where", "inference")], Double(queue.cancelledInInference))
        page.family("uae_worker_busy_seconds_total", "counter", "Time that the worker spent in batches.")
        page.sample("uae_worker_busy_seconds_total", [("worker", "0")], queue.busyTotal.seconds)
        gauge(&page, "uae_workers", "Inference workers; each uses all threads.", 1)
        gauge(&page, "uae_cpu_budget_cores", "CPUs that the process may use.", cpuBudget.cores)
    }

    private func addModel(_ page: inout PrometheusText) {
        gauge(&page, "uae_ready", "1 when the service takes requests.", isReady ? 1 : 0)
        if let model {
            page.family("uae_model_info", "gauge", "The model that is loaded.")
            let labels = [("model", model.name), ("revision", model.revision), ("dtype", weightStorage)]
            page.sample("uae_model_info", labels, 1)
        }
        gauge(&page, "uae_model_load_seconds", "Time to load the weights.", counters.loadSeconds)
        gauge(&page, "uae_warmup_seconds", "Time of the warm-up run.", counters.warmupSeconds)
    }

    private func addProcess(_ page: inout PrometheusText) {
        page.family("uae_log_lines_dropped_total", "counter", "Log lines that were not written.")
        page.sample("uae_log_lines_dropped_total", [], Double(droppedLogLines))
        let process = ProcessFigures.read()
        page.family("process_cpu_seconds_total", "counter", "User and system time.")
        page.sample("process_cpu_seconds_total", [], process.cpuSeconds)
        gauge(&page, "process_resident_memory_bytes", "Resident memory.", Double(process.residentBytes))
        gauge(&page, "process_open_fds", "Open file descriptors.", Double(process.openDescriptors))
        gauge(&page, "process_start_time_seconds", "Start of the service since the epoch.", process.startSeconds)
    }

    private func gauge(_ page: inout PrometheusText, _ name: String, _ help: String, _ value: Double) {
        page.family(name, "gauge", help)
        page.sample(name, [], value)
    }
}
