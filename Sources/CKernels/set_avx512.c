// SPDX-License-Identifier: Apache-2.0
#if defined(__x86_64__)
#define SET avx512
#define SET_NAME "avx512"
#define LANES 16
#define TILE_ROWS 14  // 28 sums, two weights and one broadcast: 31 of 32 registers
#define HAS_FMA 1
#define HAS_HALF 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f,avx512vl,avx512bw,avx512dq"))), \
                             apply_to = function)
#include "set.h"
#pragma clang attribute pop
#endif
