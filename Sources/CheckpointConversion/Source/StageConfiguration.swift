// SPDX-License-Identifier: Apache-2.0

/// The `stage_1` section of an authors' YAML: which code, which checkpoint, which sizes.
///
/// Other sections (`stage_2`, `transport`, `sampler`, `guidance`, `misc`, `training`, `eval`, `gan`) are ignored.
struct StageConfiguration {
    /// The authors' classes that the converter supports.
    enum Target: String {
        case dct = "stage1.UAE"
        case first = "unified_ae.UnifiedUAE"
        case rae = "stage1.RAE"

        static let all = [dct, first, rae]
    }

    let path: String
    let target: Target
    let checkpoint: String?
    let parameters: SettingValue

    init(path: String) throws(ConversionError) {
        self.path = path
        let document = try SettingValue.yaml(path: path)
        let stage = try Self.section(document, path: path)
        guard let name = stage.given("target")?.text else { throw .memberMissing(path: path, member: "stage_1.target") }
        guard let target = Target.all.first(where: { $0.rawValue == name }) else {
            throw .memberInvalid(
                path: path,
                member: "stage_1.target",
                found: name,
                allowed: "one of \(Target.all.map(\.rawValue).joined(separator: ", "))"
            )
        }
        guard let parameters = stage.given("params"), case .map = parameters else {
            throw .memberMissing(path: path, member: "stage_1.params")
        }
        if let text = stage.interpolation {
            throw .memberInvalid(
                path: path,
                member: "stage_1",
                found: text,
                allowed: "written out: ${...} is not resolved"
            )
        }
        self.target = target
        self.parameters = parameters
        checkpoint = stage.given("ckpt")?.text
    }

    /// The first edition's training YAML nests its stages; the last one is the finished model.
    private static func section(_ document: SettingValue, path: String) throws(ConversionError) -> SettingValue {
        if let stage = document.given("stage_1") { return stage }
        if let stages = document.given("stages"), let last = stages.keys.max(),
            let stage = stages.given(last)?.given("stage_1")
        {
            return stage
        }
        throw .memberMissing(path: path, member: "stage_1")
    }

    /// A text of the parameters, or of a map in them.
    func text(_ member: String, in map: SettingValue? = nil) throws(ConversionError) -> String? {
        guard let value = (map ?? parameters).given(member) else { return nil }
        guard let text = value.text else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "a text")
        }
        return text
    }

    /// A whole number above 0.
    func integer(_ member: String) throws(ConversionError) -> Int? {
        guard let value = parameters.given(member) else { return nil }
        guard let number = value.truncatedInteger, (1...100_000).contains(number) else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "a whole number above 0")
        }
        return number
    }

    func number(_ member: String) throws(ConversionError) -> Double? {
        guard let value = parameters.given(member) else { return nil }
        guard let number = value.double, number.isFinite else {
            throw .memberInvalid(path: path, member: member, found: value.spelled, allowed: "a number")
        }
        return number
    }
}
