// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Portable vectors: the compiler lowers them to AVX2, SSE2 or NEON. On x86-64 the AVX2 clone of a kernel is chosen
// once, when the program is loaded; arm64 always has NEON. Not under the thread sanitizer: it instruments the functions
// that choose, which the loader calls before the sanitizer is there, and the program ends with a segmentation fault.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CPIXELS_ONE_CLONE
#endif
#endif
#if defined(__x86_64__) && defined(__linux__) && !defined(CPIXELS_ONE_CLONE)
#define CPIXELS_KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define CPIXELS_KERNEL
#endif
#define CPIXELS_INLINE static inline __attribute__((always_inline))

typedef uint8_t u8x4 __attribute__((vector_size(4)));
typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
