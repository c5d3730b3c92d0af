# SPDX-License-Identifier: Apache-2.0
# scripts/check-runtime-image.sh reads this file: the build command, the run-time packages, the environment.

FROM swift:6.3.1-bookworm AS build
WORKDIR /src
COPY scripts/install-packages.sh scripts/
RUN scripts/install-packages.sh
COPY Package.swift ./
RUN swift package resolve
COPY . .
RUN swift build --configuration release --product uae --static-swift-stdlib -Xlinker -s

FROM debian:12-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libfftw3-single3 \
        libjpeg62-turbo \
        libnghttp2-14 \
        libopenblas0-pthread \
        libspng0 \
        libstdc++6 \
        libwebp7 \
        zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 10001 uae
COPY --from=build /src/.build/release/uae /usr/local/bin/uae
COPY models/default /models/default
COPY LICENSE NOTICE /usr/share/doc/uae/
ENV UAE_HOST=0.0.0.0 \
    UAE_LOG_FORMAT=json \
    UAE_MODEL=/models/default \
    UAE_PORT=8080
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["uae", "health"]
ENTRYPOINT ["uae"]
CMD ["serve"]
