// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Descriptors 0, 1 and 2 of a process that was started without some of them (`2>&-`).
enum StandardDescriptors {
    /// Occupies those that are closed.
    ///
    /// Otherwise the next socket or file would get the number, and a client, or a file, the lines of the log. Reading
    /// or writing them fails as before.
    static func occupy() {
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number, which is this one.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
