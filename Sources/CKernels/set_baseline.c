// SPDX-License-Identifier: Apache-2.0
// The instructions of every processor of the architecture: SSE2 on x86-64, NEON on arm64.
#define SET baseline
#define LANES 4
#if defined(__aarch64__)
#define SET_NAME "neon"
#define TILE_ROWS 12  // 24 sums, two weights and one broadcast: 27 of 32 registers
#define HAS_FMA 1
#define HAS_HALF 1
#else
#define SET_NAME "sse2"
#define TILE_ROWS 4  // 8 sums, two weights, one broadcast and a product, which needs a register without FMA
#define HAS_FMA 0
#define HAS_HALF 0
#endif
#include "set.h"
