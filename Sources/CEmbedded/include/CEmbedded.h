// SPDX-License-Identifier: Apache-2.0
// Files of the repository that the server responds with, compiled in so that the binary needs no files.
#pragma once
#include <stddef.h>

typedef struct {
    const char *name;
    const unsigned char *start;
    size_t size;
} uae_embedded_file;

uae_embedded_file uae_openapi_yaml(void);
uae_embedded_file uae_page_html(void);

/// The photographs of the page; `index` is below `uae_sample_count`.
uae_embedded_file uae_sample(size_t index);
extern const size_t uae_sample_count;
