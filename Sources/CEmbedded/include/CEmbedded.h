// SPDX-License-Identifier: Apache-2.0
// Files of the repository that the server responds with, compiled in so that the binary needs no files.
#pragma once
#include <stddef.h>

const unsigned char *uae_openapi_yaml_start(void);
extern const size_t uae_openapi_yaml_size;
const unsigned char *uae_playground_html_start(void);
extern const size_t uae_playground_html_size;
