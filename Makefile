# Everything a developer or CI does, by name. `make` alone says what there is.
# What a suite needs and the machine lacks is installed when we are root on a Debian, else named.
# With CI=true a suite that can't run is a failure; elsewhere it is reported as skipped.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
RUN_ARGS ?= --dags dags
BENCH_ARGS ?=

.PHONY: help setup page build run test test-rust test-web test-browser lint advisories fmt bench

help: ## Says what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## Installs what all other targets need
	@scripts/need postgresql || true
	@scripts/need chromium || true
	@if [ -f web/package.json ]; then npm --prefix web ci --no-audit --no-fund; fi
	@if [ -f tests/browser/package.json ]; then npm --prefix tests/browser ci --no-audit --no-fund; fi

page: ## Builds the web page that the binary embeds
	@scripts/page

build: page ## Builds the release binary
	$(CARGO) build --release --locked -p updraft

run: build ## Builds and starts Updraft with the example DAGs (more options: RUN_ARGS=...)
	exec $(TARGET)/release/updraft standalone $(RUN_ARGS)

test: ## Runs all tests
	@scripts/suites test-rust test-web test-browser

test-rust: page ## Runs the tests of all crates, those of PostgreSQL included
	@scripts/test-rust

test-web: ## Runs the page's unit tests
	@scripts/test-web

test-browser: page ## Runs the tests with a real browser on the real binary
	@scripts/test-browser

lint: ## Checks formatting, lints, the page's types, and which crate may depend on what
	$(CARGO) fmt --all --check
	@scripts/check-dependencies
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@scripts/lint-web
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; else echo "cargo-deny is not installed: licences are not checked"; fi

advisories: ## Asks the advisory database about the crates in use (needs cargo-deny and a network)
	$(CARGO) deny check advisories

fmt: ## Formats everything
	$(CARGO) fmt --all
	@if [ -d web/node_modules ]; then npm --prefix web run --silent format; fi

bench: build ## Measures the design's numbers, with their limits beside them (a part: BENCH_ARGS='--only history')
	@$(CARGO) build --release --locked -p updraft-scheduler --example transitions
	@python3 scripts/bench $(BENCH_ARGS)
