# Conjunct. `make help` lists the targets.

SHELL    := /bin/bash
GO       := $(shell PATH="$$PATH:/usr/local/go/bin" command -v go)
VERSION  ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
# Packages whose tests drive goroutines; they run under the race detector too.
RACY     := ./api/... ./controller/... ./members/... ./openflow/ofconn/... ./openflow/oftest/... ./ovsdb/... ./store/...
FUZZTIME ?= 20s
# The full run of the referee.
WORLDS    ?= 2000
QUESTIONS ?= 100
SEED      ?= 0

export CGO_ENABLED ?= 1

.DEFAULT_GOAL := build

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: provision
provision: ## Install what building, testing and the demo need (Debian, root)
	@scripts/provision.sh lab

.PHONY: build
build: ## Build conjunctd and conjunct into bin/
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/ ./cmd/conjunctd ./cmd/conjunct

.PHONY: demo
demo: provision ## Two hypervisors, four VMs, an outside host: security groups at work (root); DEMO=-profiles shows the five profiles
	@PATH="$$PATH:/usr/local/go/bin:$$HOME/go/bin"; $(MAKE) --no-print-directory -s build && go run ./integration/demo $(DEMO)

.PHONY: test
test: provision ## Every test; installs what is missing (root for the tests with real switches)
	@PATH="$$PATH:/usr/local/go/bin:/usr/local/bin"; $(MAKE) --no-print-directory run-tests GO="$$(PATH=$$PATH:/usr/local/go/bin command -v go)"

.PHONY: run-tests
run-tests: format vet build
	set -o pipefail; $(GO) test -json -timeout 30m ./... | $(GO) run ./cmd/proofs
	$(GO) test -race -short -timeout 30m $(RACY)

.PHONY: format
format: ## Fail when a file is not gofmt'ed
	@unformatted=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...

.PHONY: lint
lint: ## golangci-lint with .golangci.yaml
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.4.0 run ./...

.PHONY: docs
docs: build ## Write the generated documents again; runs every test, since docs/requirements.md says which ones ran
	$(GO) run ./cmd/docs
	set -o pipefail; $(GO) test -json -timeout 30m ./... | $(GO) run ./cmd/proofs -write

.PHONY: golden
golden: ## Write golden files again; read the diff before you commit it
	$(GO) test ./cmd/conjunct/... ./flows/... -update

.PHONY: vectors
vectors: ## Make the wire vectors again with the installed ovs-ofctl
	$(GO) test ./openflow -run Vectors -update

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZTIME
	@for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep ^Fuzz); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done; done

.PHONY: referee
referee: ## The policy, the fake and the real switch on WORLDS random worlds from SEED on, QUESTIONS each
	$(GO) test ./integration/referee -run TestReferee -count=1 -timeout 3h -v -args -worlds $(WORLDS) -questions $(QUESTIONS) -seed $(SEED)

# Benchmarks of one host, which measure once, and those of the mirror.
BENCH ?= ^Benchmark(ColdStart|Join|Rule|Storm|Bulk|Apply|Restart|Throughput)$$
# FLEET='-hosts 1000' takes longer than all the rest.
FLEET ?= -hosts 100 -groups 200 -addresses 10000 -changes 50 -for 10s
CURVE ?= -hosts 1000 -addresses 100000

.PHONY: bench
bench: ## Measure one host and a fleet, judge, and write docs/performance/ (root)
	@scripts/provision.sh bench
	@PATH="$$PATH:/usr/local/go/bin:/usr/local/bin"; $(MAKE) --no-print-directory build run-bench GO="$$(PATH=$$PATH:/usr/local/go/bin command -v go)"

.PHONY: run-bench
run-bench:
	@rm -f bin/bench.txt bin/fleet.json bin/curve.json
	-$(GO) test ./integration -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 20m | tee bin/bench.txt
	-$(GO) test ./integration -run '^$$' -bench 'ClassesAgainstAddresses/.*/addresses=10000$$/rules=(10|100)$$' -benchtime 1x | tee -a bin/bench.txt
	-$(GO) test ./members -run '^$$' -bench 'Mirror_Changes$$' -benchtime 100000x | tee -a bin/bench.txt
	-$(GO) test ./members -run '^$$' -bench 'Mirror_Stalled$$' -benchtime 1x | tee -a bin/bench.txt
	-$(GO) run ./integration/fleet $(FLEET) -report bin/fleet.json
	-$(GO) run ./integration/fleet -curve $(CURVE) -changes 30 -report bin/curve.json
	$(GO) run ./integration/bench -fleet bin/fleet.json -curve bin/curve.json bin/bench.txt

.PHONY: microbench
microbench: ## Benchmarks of the packages, with allocations
	$(GO) test -run '^$$' -bench . -benchmem $$($(GO) list ./... | grep -v /integration)

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin
