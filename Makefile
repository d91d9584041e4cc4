# Every target is one or two commands that also work by hand.

.DEFAULT_GOAL := help
.PHONY: up down clean-cluster status build wheels release docs cross test unit e2e test-python soak lint bench verify help

# The binaries are the same from a clone, an archive or another user's checkout.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# As nomad/dev builds all programs of the cluster, so that they share what is compiled.
COMPILE := -trimpath -gcflags=all=-dwarf=false
DEV := CGO_ENABLED=0 go run $(COMPILE) ./nomad/dev
# Tests run beside each other on more servers than `make up` has by default.
test e2e soak: export FNGEN_FLEET := us-west:s*2,us-west:xl,eu-central:m,us-east:s*2,us-east:m,us-east:xl
# Turns on what the running cluster needs: addresses, tokens, bin/ on PATH.
ENV := . ./.dev/env.sh
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

up: ## install and build what is missing, start the cluster, push examples/hello, print its URL
	@$(DEV) up

down: ## stop everything that make up started
	@$(DEV) down

clean-cluster: ## stop the cluster and delete its data (built servers stay in the cache)
	@$(DEV) clean

status: ## show which servers run, and their logs
	@$(DEV) status

build: ## build fngen, fngend and fngen-agent into bin/
	@CGO_ENABLED=0 go build $(COMPILE) -ldflags '-s -w' -o bin/ ./cmd/...

wheels: ## build the wheels of the distribution fngen, for all platforms, into dist/
	@go run $(COMPILE) ./sdk/release -out dist

release: ## make all files of the release VERSION=1.2.3 below dist/release, signed and uploaded by nobody
	@rm -rf dist/release
	@go run $(COMPILE) ./sdk/release -out dist/release -version '$(or $(VERSION),$(error which version? make release VERSION=1.2.3))'

docs: ## build the documentation as a site below dist/site; a link that leads nowhere is an error
	@rm -rf dist/docs dist/site && mkdir -p dist && cp -r docs dist/docs && rm -r dist/docs/site dist/docs/*.go && cp docs/site/mkdocs.yml dist/
	@NO_MKDOCS_2_WARNING=1 $(DEV) uv run --quiet --no-project --python 3.11 --with-requirements docs/site/requirements.txt mkdocs build --strict --config-file dist/mkdocs.yml

cross: ## check that the CLI builds for the systems that people have
	@for platform in darwin/arm64 darwin/amd64 windows/amd64 linux/arm64; do \
		CGO_ENABLED=0 GOOS=$${platform%/*} GOARCH=$${platform#*/} go build $(COMPILE) -o /dev/null ./cmd/fngen || exit 1; done

# The servers come first: tests of packages start some of them for themselves.
test: ## run every test, end to end included (starts the cluster if it is not up)
	@$(DEV) up
	@go vet ./...
	@$(MAKE) --no-print-directory unit test-python e2e

unit: ## run the Go tests that need no running cluster
	-@$(DEV) oracle
	@go test -timeout 30m $(GOTESTFLAGS) $$(go list ./... | grep -v /e2e)

e2e: ## run the end-to-end tests (starts the cluster if it is not up)
	@$(DEV) up
	-@$(DEV) browser
	@$(ENV) && FNGEN_E2E=required go test -count=1 -p 1 -timeout 60m $(GOTESTFLAGS) ./e2e/...

test-python: ## run the tests of the Python SDK
	@$(DEV) uv run --frozen --directory sdk/python pytest

soak: ## run what takes too long for make test: each server killed in each phase of a push, every fault, a year of pushes
	@$(DEV) up
	@$(ENV) && FNGEN_E2E=required FNGEN_SOAK=1 go test -count=1 -timeout 60m -v $(GOTESTFLAGS) -run '^(TestPhases|TestFaults|TestInterruptedTogether|TestRelocations|TestPythons|TestVaultAway|TestClientAway|TestLogsAway)$$' ./e2e
	@FNGEN_SOAK=1 go test -count=1 -timeout 60m -v $(GOTESTFLAGS) -run '^TestYear$$' ./pkg/server/retention
	@FNGEN_SOAK=1 go test -count=1 -timeout 60m -v $(GOTESTFLAGS) -run '^TestConsumerTimeout$$' ./pkg/agent/tasks

lint: ## check format and style of Go and Python
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'run gofmt -w on these files' >&2; exit 1; }
	@go vet ./...
	@$(MAKE) --no-print-directory cross
	@go run $(GOLANGCI) run ./...
	@go run $(ACTIONLINT) -shellcheck= sdk/release/workflow.yml
	@$(DEV) uv run --frozen --directory sdk/python ruff check .
	@$(DEV) uv run --frozen --directory sdk/python ruff format --check .
	@$(DEV) uv run --frozen --directory sdk/python mypy

bench: ## measure against rivals and floors (needs the cluster)
	@$(DEV) up
	@$(ENV) && go run ./bench

verify: lint test ## everything that CI checks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
