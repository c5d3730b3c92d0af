// SPDX-License-Identifier: Apache-2.0
// Takes the place of the C library's allocation functions in the test program, and passes on to them.
#include "AllocationCounter.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__GLIBC__) || defined(__linux__)
#include <features.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OTHERS_COUNT 1
#endif
#endif

#if defined(__GLIBC__) && !defined(OTHERS_COUNT)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static __thread bool counting;
static __thread allocation_count counted;

static void note(size_t size) {
    if (!counting) return;
    counted.count += 1;
    counted.bytes += (long)size;
    if (size >= 4096) counted.large += 1;
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note(number * size);
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    note(size);
    return __libc_realloc(memory, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    note(size);
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}

void *aligned_alloc(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

void allocation_count_begin(void) {
    counted = (allocation_count){0, 0, 0};
    counting = true;
}

allocation_count allocation_count_end(void) {
    counting = false;
    return counted;
}
#else
void allocation_count_begin(void) {}
allocation_count allocation_count_end(void) { return (allocation_count){-1, -1, -1}; }
#endif
