// SPDX-License-Identifier: Apache-2.0

import Autoencoder
import Foundation
import TensorFiles

/// Converts a published checkpoint to a model folder.
///
/// No part of a checkpoint is executed. While files are written, memory holds one piece of a tensor; while the result
/// is loaded for the check, it holds the model.
///
/// - Parameters:
/// - Returns: a report of the source and of the written model.
/// - Throws: `ConversionError`; no files are left behind then.
package func convertCheckpoint(
    _ request: ConversionRequest,
    to target: String,
    isInterrupted: @escaping () -> Bool = { false }
) throws(ConversionError) -> ConversionReport {
    let folderName = URL(filePath: target).standardizedFileURL.lastPathComponent
    var plan = try request.plan(name: request.name ?? folderName)
    let encoder = plan.description.encoder
    if let head = request.head {
        plan.description.headClasses = try headClasses(of: head, channels: encoder.width)
        plan.description.hasLabels = request.labels != nil
    }
    let configuration: ModelConfiguration
    do {
        var complete = plan.description
        complete.revision = request.revision ?? "unwritten"
        configuration = try ModelConfiguration(json: Array(complete.json.utf8))
    } catch {
        throw .configuration(error)
    }
    let required = configuration.requiredTensors(storedGrid: try storedGrid(plan.tensors, encoder: encoder))
    let writer = try ModelWriter(target: target, isInterrupted: isInterrupted)
    let count = try writer.writeWeights(required, of: plan.tensors)
    if let statistics = plan.statistics {
        try writer.writeStatistics(statistics, shape: [encoder.width, encoder.gridSide, encoder.gridSide])
    }
    if let head = request.head {
        try writer.copy(head, to: "head.safetensors")
        if let labels = request.labels { try writer.copy(labels, to: "labels.txt") }
    }
    let digest: String
    do {
        digest = try SafetensorsFile(path: writer.staging + "/model.safetensors").sha256
    } catch {
        throw .tensorFile(error)
    }
    plan.description.revision = request.revision ?? String(digest.prefix(12))
    try writer.write("config.json", Array(plan.description.json.utf8))
    try writer.finish()
    plan.report.add("parameters", "\(count) in \(required.count) tensors")
    plan.report.add("sha256", digest)
    return plan.report
}

/// Side of the grid that the encoder's position table covers, read off the checkpoint.
private func storedGrid(
    _ tensors: TensorTable,
    encoder: ModelDescription.Encoder
) throws(ConversionError) -> Int {
    let table = encoder.family.positionTable
    // CLIP's table is not resized, so it must fit.
    guard encoder.family != .clip, let shape = tensors.shape(of: table.name) else { return encoder.gridSide }
    guard shape.count >= 2,
        let side = TensorTable.gridSide(rows: shape[shape.count - 2], leadingRows: table.leadingRows)
    else { throw .positionTable(path: tensors.path, tensor: table.name, found: shape) }
    return side
}

/// Classes of a linear probe.
private func headClasses(of path: String, channels: Int) throws(ConversionError) -> Int {
    let file: SafetensorsFile
    do {
        file = try SafetensorsFile(path: path)
    } catch {
        throw .tensorFile(error)
    }
    let shape = file.shape(of: "weight") ?? []
    guard shape.count == 2, shape[1] == channels else {
        throw .headShape(path: path, found: shape, channels: channels)
    }
    return shape[0]
}
