// SPDX-License-Identifier: Apache-2.0

import LocalFiles

/// What became of the files that a command was given.
struct RunSummary {
    private let search: InputSearch
    var done = 0
    /// Results that were there already.
    var existing = 0
    /// Files of the folders that are results of an earlier run.
    var earlierResults = 0
    /// Files that cannot be read or processed.
    var failed = 0

    init(search: InputSearch) {
        self.search = search
        failed = search.failures.count
    }

    /// 65: there was nothing that could be done; 1: some of the files failed; nil: all is well.
    var exitCode: Int32? {
        if done + existing == 0 { return 65 }
        return failed > 0 ? 1 : nil
    }

    /// One line on standard error; none for one file that was processed.
    func print() {
        if !search.isSeveral, existing == 0 { return }
        var parts = ["\(done) done"]
        if failed > 0 { parts.append("\(failed) failed") }
        if existing > 0 { parts.append("\(existing) skipped: the result exists (--overwrite replaces it)") }
        if earlierResults > 0 { parts.append("\(earlierResults) skipped: results of an earlier run") }
        let others = search.others.values.reduce(0, +)
        if others > 0 { parts.append("\(others) skipped: other kinds of files (\(kinds))") }
        if search.hiddenCount > 0 { parts.append("\(search.hiddenCount) skipped: hidden") }
        if search.unusableCount > 0 {
            parts.append("\(search.unusableCount) skipped: neither a file nor a folder, or the name is not UTF-8")
        }
        if search.repeatedFolders > 0 { parts.append("\(search.repeatedFolders) links to folders searched already") }
        CommandFailure.print(parts.joined(separator: "; "))
    }

    /// The most frequent first.
    private var kinds: String {
        let sorted = search.others.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }
        let named = sorted.prefix(8).map { "\($0.value) \($0.key.isEmpty ? "without extension" : "." + $0.key)" }
        return named.joined(separator: ", ") + (sorted.count > 8 ? ", ..." : "")
    }
}
