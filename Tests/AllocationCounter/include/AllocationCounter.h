// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Allocations of this thread while it counts.
typedef struct {
    long count;
    long bytes;
    long large;  // of 4096 bytes and more
} allocation_count;

void allocation_count_begin(void);
/// What was allocated since the beginning; all -1 where allocations cannot be counted (another C library, sanitizers).
allocation_count allocation_count_end(void);
