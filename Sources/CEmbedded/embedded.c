// SPDX-License-Identifier: Apache-2.0
#include "CEmbedded.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi_yaml[] = {
#embed "../../openapi.yaml"
};

static const unsigned char page_html[] = {
#embed "page.html"
};

static const unsigned char cat_jpg[] = {
#embed "samples/cat.jpg"
};

static const unsigned char coffee_jpg[] = {
#embed "samples/coffee.jpg"
};

static const unsigned char rocket_jpg[] = {
#embed "samples/rocket.jpg"
};

static const unsigned char astronaut_jpg[] = {
#embed "samples/astronaut.jpg"
};

uae_embedded_file uae_openapi_yaml(void) {
    return (uae_embedded_file){"openapi.yaml", openapi_yaml, sizeof openapi_yaml};
}

uae_embedded_file uae_page_html(void) {
    return (uae_embedded_file){"page.html", page_html, sizeof page_html};
}

static const uae_embedded_file samples[] = {
    {"cat.jpg", cat_jpg, sizeof cat_jpg},
    {"coffee.jpg", coffee_jpg, sizeof coffee_jpg},
    {"rocket.jpg", rocket_jpg, sizeof rocket_jpg},
    {"astronaut.jpg", astronaut_jpg, sizeof astronaut_jpg},
};
const size_t uae_sample_count = sizeof samples / sizeof *samples;

uae_embedded_file uae_sample(size_t index) { return samples[index]; }
