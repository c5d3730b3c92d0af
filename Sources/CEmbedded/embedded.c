// SPDX-License-Identifier: Apache-2.0
#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char uae_openapi_yaml[] = {
#embed "../../openapi.yaml"
};
const size_t uae_openapi_yaml_size = sizeof uae_openapi_yaml;

static const unsigned char uae_playground_html[] = {
#embed "playground.html"
};
const size_t uae_playground_html_size = sizeof uae_playground_html;

const unsigned char *uae_openapi_yaml_start(void) { return uae_openapi_yaml; }
const unsigned char *uae_playground_html_start(void) { return uae_playground_html; }
