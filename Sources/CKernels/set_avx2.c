// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#define SET avx2
#define SET_NAME "avx2"
#define LANES 8
#define TILE_ROWS 6  // 12 sums, two weights and one broadcast: 15 of 16 registers
#define HAS_FMA 1
#define HAS_HALF 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "set.h"
#pragma clang attribute pop
#endif
