// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#define SET avx2
// Without fused multiply-adds, so that both sets give the same bits.
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include "set.h"
#pragma clang attribute pop
#endif
