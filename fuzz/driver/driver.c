// SPDX-License-Identifier: Apache-2.0

#include "CFuzzer.h"

// libFuzzer's entry for programs that have a main of their own (compiler-rt, FuzzerInterface.h).
extern int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one)(const uint8_t *start, size_t count));

int uae_fuzz_run(int argc, char **argv, int (*one)(const uint8_t *start, size_t count)) {
    return LLVMFuzzerRunDriver(&argc, &argv, one);
}
