# Everything a new machine needs is installed, built and run from here; `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PHONES ?= 10000
DATA ?= data
HTTP ?= 127.0.0.1:8667
TFTP ?= 127.0.0.1:6969
OVER ?= 10s
TARGET := $(or $(CARGO_TARGET_DIR),target)
BIN := $(TARGET)/release
# Debug assertions of our own code are on in tests; dependencies are built once, for both.
CHECKED := --config 'profile.release.package.ringboot.debug-assertions=true' \
           --config 'profile.release.package.ringboot-loadgen.debug-assertions=true'

.PHONY: help setup build run serve test lint corpus bench compare scale dhcp bus clean

help: ## List the targets.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## Install what the build needs, or name it.
	@./scripts/setup

build: setup ## Build the server and the load generator.
	cargo build --release --workspace

run: build ## Boot PHONES phones against a server on this machine, and print the report.
	@PHONES=$(PHONES) DATA=$(DATA) HTTP=$(HTTP) TFTP=$(TFTP) OVER=$(OVER) BIN=$(BIN) ./scripts/storm

serve: build ## Run the server.
	$(BIN)/ringboot serve --data-dir $(DATA) --http $(HTTP) --tftp $(TFTP)

test: setup ## Run all tests.
	cargo test --release --workspace $(CHECKED)

lint: setup ## Check format and lints.
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets $(CHECKED) -- -D warnings

corpus: setup ## Print the score of every vendor against the corpus in RINGBOOT_CORPUS.
	cargo test --release --test corpus $(CHECKED) -- --nocapture --test-threads 1

bench: setup ## Measure parsing, extraction, retrieval and rendering.
	cargo bench --bench request

compare: build ## Measure beside nginx, dnsmasq and tftpd-hpa, into docs/performance.md.
	@./scripts/compare
	$(BIN)/ringboot-loadgen compare --dir $(DATA)/compare --docs docs

scale: build ## Measure how costs grow, into docs/performance.md.
	cargo bench --bench scale --no-run
	$(BIN)/ringboot-loadgen scale --dir $(DATA)/scale --docs docs

dhcp: build ## Try the helper with real DHCP servers, in network namespaces (root).
	@BIN=$(BIN) ./scripts/dhcp-test

bus: build ## Try the message bus with a real RabbitMQ, on loopback.
	@BIN=$(BIN) ./scripts/bus-test

clean: ## Remove what was built and the data of `make run`.
	cargo clean
	rm -rf $(DATA)
