# What CI calls and what a person types are the same targets.
GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   = gotest.tools/gotestsum@v1.13.0
FUZZTIME   ?= 10s

SHELL       = /bin/bash
.SHELLFLAGS = -o pipefail -ec

.PHONY: build test race lint fuzz docs demo run image image-update test-vm test-clients clean

build: bin/wiped

# One static binary that knows the revision it was built from.
bin/wiped: FORCE
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags='-s -w' -o $@ ./cmd/wiped
FORCE:

# All tests that this machine allows. Without root it leaves out what needs loop devices and mounts, and says so; with
# WIPED_FORBID_SKIP set a test that was left out is a failure.
test: build
	$(call tests,)

race: build
	$(call tests,-race)

define tests
	@[ "$$(id -u)" = 0 ] || echo "not root: stories with loop devices, mounts and a full state directory are left out"
	$(GO) run $(GOTESTSUM) --format pkgname --jsonfile bin/test.json -- $(1) ./...
	@skipped=$$(grep '"Action":"skip"' bin/test.json | grep -o '"Package":"[^"]*","Test":"[^"]*"') || exit 0; \
		echo "left out:"; echo "$$skipped"; [ -z "$$WIPED_FORBID_SKIP" ]
endef

lint:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags vm ./cmd/wiped ./cmd/drivesim/nvmetcp
	$(GO) mod tidy -diff
	$(GO) run $(STATICCHECK) ./...

# Every parser of outside bytes, FUZZTIME each.
fuzz:
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; $(GO) test $$pkg -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x; \
		done; \
	done

# The reference pages, from the program's own tables.
docs:
	$(GO) test ./shell -run TestReference -update

demo: build
	@WIPED=bin/wiped docs/demo.sh

run: build
	@WIPED=bin/wiped docs/demo.sh run

# The appliance image in bin/image: kernel, initramfs, ISO. Two builds from the same inputs are the same, byte for byte. They are
# the packages of cmd/wiped-image/versions.lock; where Debian has those no longer, the newest ones, with a
# warning; PINS=strict refuses that.
PINS       ?= warn
image: build
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(GO) run ./cmd/wiped-image --wiped bin/wiped --out bin/image --vmlinux --pins $(PINS) $(LAB)

# Pins the newest packages instead, to be looked at and committed.
image-update:
	$(GO) run ./cmd/wiped-image pin --out cmd/wiped-image/versions.lock

# Boots the image under qemu and works it through ssh: needs qemu-system-x86 ovmf dosfstools mtools e2fsprogs.
test-vm: LAB = --lab
test-vm: image
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drivesim ./cmd/drivesim
	$(GO) run $(GOTESTSUM) --format testname -- -tags vm -run '^TestVM' -timeout 30m ./cmd/wiped

# Holds the simulated drives against programs that know nothing of wiped.
test-clients: LAB = --lab
test-clients: image
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drivesim ./cmd/drivesim
	$(GO) run $(GOTESTSUM) --format standard-verbose -- -tags vm -run '^TestClients$$' -timeout 15m ./cmd/wiped

clean:
	rm -rf bin
