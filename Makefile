# SPDX-License-Identifier: Apache-2.0
# make serve and make test first install whatever they need and is missing.

MODEL ?= models/default
HOST ?= 127.0.0.1
PORT ?= 8080
FLAGS ?=
CONFIGURATION := --configuration release
SWIFT_FILES := Package.swift Sources Tests tools/model-init fuzz/targets benchmarks/engine benchmarks/kernels

.PHONY: help packages build static install check-install serve test lint format smoke matrix-products conversions schemathesis torture faults command-line proxies fuzz soak sanitize nightly examples browser-test page-pictures page-rate readme-pictures convert model-init model-init-build check-runtime-image clean

help:
	@echo "make serve                build and serve $(MODEL) on $(HOST):$(PORT) (MODEL, HOST, PORT, FLAGS)"
	@echo "make install              builds without run-time needs of the Swift toolchain, and installs the binary, the default"
	@echo "                          model and the systemd units to DESTDIR and PREFIX=/usr/local"
	@echo "make test                 all tests, in release mode"
	@echo "make smoke                requests to every route of the built server, with curl"
	@echo "make matrix-products      the built server under each value of --matrix-products, and whether it maps OpenBLAS"
	@echo "make conversions          uae convert on every golden checkpoint, and on unsupported ones"
	@echo "make schemathesis         checks the built server against openapi.yaml"
	@echo "make torture              attacks on the built server: HTTP/1.1, HTTP/2, images, other bodies, slow clients, invalid requests"
	@echo "make faults               the built server with broken models, taken ports, no memory, full disks, signals"
	@echo "make command-line         the built program on files, folders, FIFOs and devices; uae health"
	@echo "make proxies              the built server behind nginx and HAProxy, where they are installed"
	@echo "make fuzz SECONDS=60      libFuzzer on every parser of untrusted bytes, SECONDS for each"
	@echo "make soak MINUTES=10      mixed load, disconnects and garbage; checks memory, descriptors and responses"
	@echo "make sanitize             the tests under the address, undefined-behaviour and thread sanitizers"
	@echo "make nightly              torture, faults, command-line, browser-test, proxies, fuzz, soak, sanitize"
	@echo "make examples             the client examples against the built server"
	@echo "make browser-test         the page at / in Debian's Chromium, with axe-core's checks; NAME=slider for some of the cases"
	@echo "make page-pictures        writes the page's screenshots and the animated image of README.md to docs/pictures"
	@echo "make page-rate            reconstructions a second that the page draws while its slider moves"
	@echo "make readme-pictures      writes the photographs and reconstructions of README.md to docs/pictures"
	@echo "make bench                speed compared with peers (benchmarks/README.md); QUICK=1 for a trial run"
	@echo "make lint, make format    checks or applies swift format"
	@echo "make convert SOURCE=... DIR=models/mine    converts a published checkpoint to a model folder (docs/models.md);"
	@echo "                          also FLAGS=\"--config FILE\""
	@echo "make model-init FAMILY=dinov2-base DIR=models/dinov2-base    writes a model of a published size with random weights;"
	@echo "                          also DECODER=ViTXL INPUT_SIDE=224 FIRST_EDITION=1"
	@echo "make train-data, make train, make train-evaluate    training of the default model, see training/README.md"
	@echo "make check-install        make install to a folder, and the service from there (needs root)"
	@echo "make check-runtime-image  tests the Dockerfile's run-time stage without a container engine (needs root)"

packages:
	@scripts/install-packages.sh
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is needed: https://www.swift.org/install" >&2; exit 1; }

build: packages
	swift build $(CONFIGURATION) --product uae

# The binary of `build` finds Swift's libraries in this machine's toolchain; this one contains them. Other flags make
# other objects, hence a folder of its own.
static: packages
	swift build $(CONFIGURATION) --product uae --static-swift-stdlib -Xlinker -s --scratch-path .build-static

PREFIX ?= /usr/local
DESTDIR ?=
TARGET = $(DESTDIR)$(PREFIX)

install: static
	install -D -m 755 .build-static/release/uae "$(TARGET)/bin/uae"
	cd models/default && find . -type f -exec install -D -m 644 {} "$(abspath $(TARGET))/share/uae/models/default/{}" \;
	install -d "$(TARGET)/share/doc/uae" "$(TARGET)/lib/systemd/system"
	install -m 644 LICENSE NOTICE "$(TARGET)/share/doc/uae"
	for unit in deploy/systemd/*; do \
		sed 's#/usr/local#$(PREFIX)#g' "$$unit" >"$(TARGET)/lib/systemd/system/$${unit##*/}" || exit 1; \
	done

check-install: packages
	scripts/check-install.sh

serve: build
	.build/release/uae serve --model $(MODEL) --host $(HOST) --port $(PORT) $(FLAGS)

# Swift Testing runs tests in parallel. No test uses @testable imports, so the objects of `build` are reused.
test: packages
	swift test $(CONFIGURATION) --disable-xctest --disable-testable-imports $(FLAGS)

lint:
	swift format lint --strict --parallel --recursive $(SWIFT_FILES)

format:
	swift format --in-place --parallel --recursive $(SWIFT_FILES)

smoke: build
	scripts/with-server.sh scripts/smoke.sh

matrix-products: build
	scripts/matrix-products.sh

conversions: build model-init-build
	scripts/conversions.sh

schemathesis: build
	scripts/with-server.sh scripts/schemathesis.sh

# Short timeouts, so that the server drops slow clients soon; the other suites never wait that long.
SLOW_FLAGS := $(foreach time,header body idle write,--$(time)-timeout-ms 2000) --max-connections 1200 \
    --max-inflight-bytes 24000000

torture: build
	scripts/with-server.sh scripts/torture.sh http1 http2 pictures bodies neighbours schemathesis
	UAE_FLAGS="$(SLOW_FLAGS)" scripts/with-server.sh scripts/torture.sh slow slowhttptest

faults: build
	scripts/faults.sh

command-line: build
	scripts/command-line.sh

proxies: build
	scripts/proxies.sh

SECONDS ?= 60
fuzz: packages
	scripts/fuzz.sh $(SECONDS)

MINUTES ?= 10
soak: build
	MINUTES=$(MINUTES) scripts/with-server.sh scripts/torture.sh soak

sanitize: packages
	scripts/sanitize.sh

# Suites that take too long to run before every change.
nightly: torture faults command-line browser-test proxies fuzz soak sanitize

examples: build
	scripts/with-server.sh scripts/examples.sh

browser-test: build
	scripts/browser.sh test $(NAME)

page-pictures: build
	scripts/browser.sh pictures

page-rate: build
	scripts/browser.sh rate

readme-pictures: build
	scripts/with-server.sh scripts/readme-pictures.sh

convert: build
	@test -n "$(SOURCE)" -a -n "$(DIR)" || { echo "usage: make convert SOURCE=checkpoint DIR=models/mine" >&2; exit 2; }
	.build/release/uae convert $(SOURCE) $(DIR) $(FLAGS)

model-init-build: packages
	swift build $(CONFIGURATION) --product model-init

model-init: model-init-build
	@test -n "$(FAMILY)" -a -n "$(DIR)" || { echo "usage: make model-init FAMILY=dinov2-base DIR=models/dinov2-base" >&2; exit 2; }
	.build/release/model-init --family $(FAMILY) $(if $(DECODER),--decoder $(DECODER)) \
		$(if $(INPUT_SIDE),--input-side $(INPUT_SIDE)) $(if $(FIRST_EDITION),--first-edition) $(DIR)

check-runtime-image: packages
	scripts/check-runtime-image.sh

clean:
	rm -rf .build .build-image

-include training/Makefile
-include benchmarks/Makefile
