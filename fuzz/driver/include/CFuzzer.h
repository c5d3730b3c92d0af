// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

// Runs libFuzzer on `one` with a program's arguments; returns its exit code.
int uae_fuzz_run(int argc, char **argv, int (*one)(const uint8_t *start, size_t count));
