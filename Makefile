# settle: what people and CI run.

GO       ?= go
BIN      := bin/settle
CLIENTS  := compat-tests/clients compat-tests/browser compat-tests/replication/peers
FUZZTIME ?= 10s
BENCH    ?= .

.PHONY: run build test race fuzz lint compat bench clients browser clean

run: build ## build and start the server on 127.0.0.1:5984, data in ./data
	$(BIN) serve --data ./data --identity ./identity --listen 127.0.0.1:5984

build: ## build the static binary bin/settle
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/settle

test: clients browser ## every quick check: unit tests, recorded exchanges, real clients
	$(GO) test -timeout 30m ./...

race: clients browser ## the same under the race detector, and the engine with its own checks of itself
	$(GO) test -race -timeout 30m ./...
	$(GO) test -tags invariants ./storage/crypt ./storage/kv

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

lint: ## gofmt, vet, staticcheck, and govulncheck where its database can be reached
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
		if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@if $(GO) tool govulncheck -version | grep -q '^DB updated'; then \
		$(GO) tool govulncheck ./...; \
	else \
		echo "govulncheck: its database cannot be reached"; \
	fi

compat: clients browser ## recorded exchanges and real clients alone, in full
	$(GO) test -count=1 -timeout 30m -v ./compat-tests/...

bench: ## Go benchmarks, with allocations
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

clients: ## install the npm packages that the client tests run
	@set -e; for directory in $(CLIENTS); do (cd $$directory && npm ci --no-audit --no-fund --silent); done

browser: ## install Chromium, which the browser tests run, where that is possible
	@compat-tests/browser/install

clean: ## remove what was built
	rm -rf bin
