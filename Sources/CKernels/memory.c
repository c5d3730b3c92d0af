// SPDX-License-Identifier: Apache-2.0
#if defined(__linux__)
#define _GNU_SOURCE
#include <sys/mman.h>
#endif

#include "CKernels.h"

#include <stdlib.h>

#define HUGE_PAGE (2L << 20)

void *ck_allocate(long bytes) {
    void *memory = NULL;
    const bool large = bytes >= 2 * HUGE_PAGE;
    if (posix_memalign(&memory, large ? HUGE_PAGE : 64, (size_t)(bytes > 0 ? bytes : 1)) != 0) return NULL;
#if defined(__linux__)
    // A hint: without huge pages there are more TLB misses, nothing else.
    if (large) madvise(memory, (size_t)bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void ck_free(void *memory) { free(memory); }
