// SPDX-License-Identifier: Apache-2.0

// One binary for all targets; UAE_FUZZ_TARGET selects one. libFuzzer's options and corpus folders are its arguments.

import CFuzzer
import Glibc

let name = getenv("UAE_FUZZ_TARGET").map { String(cString: $0) } ?? ""
guard let target = FuzzTarget(rawValue: name) else {
    print("UAE_FUZZ_TARGET is one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
    exit(2)
}
FuzzTarget.chosen = target
try FuzzTarget.prepare()
exit(
    uae_fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { start, count in
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        FuzzTarget.chosen.run(bytes)
        return 0
    }
)
