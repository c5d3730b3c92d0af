// SPDX-License-Identifier: Apache-2.0
// Nothing to call: what mutex.c defines stands before the library's own.
