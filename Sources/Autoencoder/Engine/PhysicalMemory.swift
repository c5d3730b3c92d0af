// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The machine's memory: what a model folder asks for beyond it is refused, because Linux would promise it and end the
/// process when it is used.
package enum PhysicalMemory {
    package static let byteCount: Int = {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return pages > 0 && size > 0 ? pages * size : .max
    }()
}
