# What CI calls and what a person types are the same targets.
GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME   ?= 10s

.PHONY: build test race lint fuzz demo run clean

build: bin/wiped

# One static binary that knows the revision it was built from.
bin/wiped: FORCE
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags='-s -w' -o $@ ./cmd/wiped
FORCE:

# All tests that this machine allows. Without root it leaves out what needs loop devices and mounts, and says so.
test: build
	@[ "$$(id -u)" = 0 ] || echo "not root: stories with loop devices, mounts and a full state directory are left out"
	$(GO) test ./...

race: build
	$(GO) test -race ./...

lint:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff
	$(GO) run $(STATICCHECK) ./...

# Every parser of outside bytes, FUZZTIME each.
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test $$pkg -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x; \
		done; \
	done

demo: build
	@WIPED=bin/wiped docs/demo.sh

run: build
	@WIPED=bin/wiped docs/demo.sh run

clean:
	rm -rf bin
