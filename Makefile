# What CI calls and what a person types are the same targets.
GO         ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOTESTSUM   = gotest.tools/gotestsum@v1.13.0
FUZZTIME   ?= 10s

SHELL       = /bin/bash
.SHELLFLAGS = -o pipefail -ec

.PHONY: build test race lint fuzz docs demo run image image-update test-vm test-clients test-crash test-faults bench fuzz-nightly test-interop test-load test-hostile nightly clean

build: bin/wiped

# One static binary that knows the revision it was built from.
bin/wiped: FORCE
	CGO_ENABLED=0 $(GO) build -buildvcs=auto -trimpath -ldflags='-s -w' -o $@ ./cmd/wiped
FORCE:

# suite runs tests with what $(2) says to go test, shown in gotestsum's format $(1), and keeps what happened in bin/TARGET$(3).json. Then it says
# what was left out: tests that skipped, and what a short form does not do. With WIPED_FORBID_SKIP set a test that skipped is a failure.
# summary is what a target shows after its tests, also if they failed.
define suite
	@mkdir -p bin
	$(if $(summary),trap '$(summary)' EXIT; )$(GO) run $(GOTESTSUM) --format $(1) --jsonfile bin/$@$(3).json -- $(2)
	@sed -n 's/.*_test.go:[0-9]*: \(left out: .*\)\\n"}$$/\1/p' bin/$@$(3).json
	@skipped=$$(grep '"Action":"skip"' bin/$@$(3).json | grep -o '"Package":"[^"]*","Test":"[^"]*"') || exit 0; \
		echo "left out:"; echo "$$skipped"; [ -z "$$WIPED_FORBID_SKIP" ]
endef

not_root = @[ "$$(id -u)" = 0 ] || echo "not root: stories with loop devices, mounts and a full state directory are left out"

# All tests that this machine allows. Without root it leaves out what needs loop devices and mounts, and says so.
test: build
	$(not_root)
	$(call suite,pkgname,-timeout 30m ./...)

# The same under the race detector. RACE=short is all tests, those of random plans with fewer of these, and of the stories those in which
# several things happen at one time.
RACE       ?= full
AT_ONE_TIME = jobs_|split_|message_crowd|refuse_busy|roles_edited|start_sigterm
race: build
	$(not_root)
	$(call suite,pkgname,-race -timeout 30m $(if $(filter short,$(RACE)),-short -skip '^TestStories$$') ./...)
	$(if $(filter short,$(RACE)),$(call suite,testname,-race -timeout 30m -run '^TestStories$$/^($(AT_ONE_TIME))' ./cmd/wiped,-stories))
	$(if $(filter short,$(RACE)),@cd cmd/wiped/testdata; all=$$(ls *.txtar | wc -l); some=$$(ls *.txtar | grep -cE '^($(AT_ONE_TIME))'); \
		echo "left out: $$((all - some)) of $$all stories; make nightly tells them all")

lint:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags vm,crash,impatient ./cmd/wiped ./cmd/drivesim/nvmetcp
	for suite in hostile interop load; do $(GO) vet -tags $$suite ./cmd/wiped; done
	$(GO) mod tidy -diff
	$(GO) run $(STATICCHECK) ./...

# Every parser of outside bytes, FUZZTIME each. late is what go test calls a failure now and then, when its time is over while an input
# runs; it names no input.
late = late() { grep -qx '    context deadline exceeded' <<<"$$out" && ! grep -q 'Failing input' <<<"$$out"; }
# fuzzed are the packages with fuzzers: to link the tests of the others only to find none takes longer than a second of each fuzzer.
fuzzed = $$($(GO) list $$(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|'))
fuzz:
	@set -e; $(late); pkgs=$(fuzzed); [ -n "$$pkgs" ]; for pkg in $$pkgs; do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			out=$$($(GO) test $$pkg -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x 2>&1) || late || { echo "$$out"; exit 1; }; \
			echo "$$pkg $$f: $$(grep -o 'execs: [0-9]*' <<<"$$out" | tail -1)"; \
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

# Boots the image under qemu and works it through ssh: needs qemu-system-x86 ovmf dosfstools mtools e2fsprogs. VM=short has few of the drives
# of docs/drives.md: each kind of drive with each outcome, each lie, each loss of power.
VM         ?= full
test-vm: LAB = --lab
test-vm: export VM := $(VM)
test-vm: image
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drivesim ./cmd/drivesim
	$(call suite,testname,-tags vm -run '^TestVM' -timeout 30m ./cmd/wiped)

# Holds the simulated drives against programs that know nothing of wiped.
test-clients: LAB = --lab
test-clients: image
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drivesim ./cmd/drivesim
	$(call suite,standard-verbose,-tags vm -run '^TestClients$$' -timeout 15m ./cmd/wiped)

# Sick drives, a state that fills up or turns read-only, a clock that jumps, kills and power cuts: the figures are in bin/faults.json. What a
# sample finds of 1 TiB, first. As root, for loop devices. FAULTS=TestFaultsVM/drives/S04 is one part, or one drive.
FAULTS     ?= TestFaults
test-faults: LAB = --lab
test-faults: image
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/drivesim ./cmd/drivesim
	$(GO) test -v -run '^(TestSampleOfATebibyte|TestOneFlippedByte)$$' -count=1 ./engine | grep -v level=
	$(call suite,standard-verbose,-tags vm -run '^$(FAULTS)' -count=1 -timeout 45m ./cmd/wiped $(if $(filter TestFaults,$(FAULTS)),-faults=$(CURDIR)/bin/faults.json))

# wiped beside fio, dd, shred, nwipe and OpenSSH in the same run: the table, bin/bench.json, and docs/performance. As root, for loop and
# zram devices of its own. It installs what it compares with. BENCH=short only checks that every row works.
bench: build
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/bench ./cmd/bench
	BENCH=$(BENCH) bin/bench

# Clients that misbehave, each case against a built wiped that erases a drive meanwhile; the table is bin/hostile.json. Needs ssh-audit.
# HOSTILE=short is ssh-audit and a dozen quick cases.
HOSTILE    ?= full
test-hostile: export HOSTILE := $(HOSTILE)
test-hostile: build
	$(if $(filter short,$(HOSTILE)),,$(GO) build -race -trimpath -o bin/wiped-race ./cmd/wiped)
	$(call suite,standard-verbose,-tags hostile -run '^TestHostile$$' -count=1 -timeout 30m ./cmd/wiped)

# Kills the real server at CRASHES moments, cuts the power of a virtual machine for CUT_SECONDS, and holds what is shown afterwards against the
# drives: bin/crash.txt, bin/crash.json. As root on tmpfs, for loop devices and mounts of its own. CRASHES=20 CUT_SECONDS=0 is the short form;
# CRASH_SEED=N makes the choices of a run again, CRASH_ROUND=N those of one round.
CRASHES    ?= 200
CUT_SECONDS ?= 240
CRASH_IMAGE = $(if $(filter-out 0,$(CUT_SECONDS)),image)
crash_tests = -tags vm,crash -run '^TestCrash' -count=1 -timeout 30m ./cmd/wiped
test-crash: export CRASHES := $(CRASHES)
test-crash: export CUT_SECONDS := $(CUT_SECONDS)
test-crash: summary = cat bin/crash.txt
test-crash: build $(CRASH_IMAGE)
	rm -f bin/crash.json bin/crash.txt
	$(call suite,testname,$(crash_tests))

# NIGHTLY seconds in all, shared over all fuzzers; what they find stays in testdata/fuzz. Prints how often each ran, and bin/fuzz.json.
NIGHTLY    ?= 600
fuzz-nightly:
	@$(late); pkgs=$(fuzzed); [ -n "$$pkgs" ]; all=$$(for pkg in $$pkgs; do $(GO) test -list '^Fuzz' $$pkg | sed -n "s|^Fuzz|$$pkg &|p"; done); \
	each=$$(($(NIGHTLY) / $$(wc -l <<<"$$all"))); found=0; sum=0; rows=; mkdir -p bin; \
	while read -r pkg f; do \
		out=$$($(GO) test $$pkg -run '^$$' -fuzz "^$$f\$$" -fuzztime $${each}s -fuzzminimizetime 10s 2>&1) || late || { found=$$((found + 1)); echo "$$out"; }; \
		execs=$$(grep -o 'execs: [0-9]*' <<<"$$out" | tail -1 | tr -dc 0-9 || true); sum=$$((sum + $${execs:-0})); \
		printf '%10s  %s %s\n' "$${execs:-0}" $$pkg $$f; rows+="$${rows:+, }\"$$pkg.$$f\": $${execs:-0}"; \
	done <<<"$$all"; \
	echo "$$(wc -l <<<"$$all") fuzzers, $$each s each: $$sum executions, $$found of them found something"; \
	echo "{\"seconds_each\": $$each, \"executions\": $$sum, \"found\": $$found, \"fuzzers\": {$$rows}}" > bin/fuzz.json; [ $$found = 0 ]

# Other people's SSH clients against wiped serve: the table, and bin/interop.json. Needs openssh-client putty-tools dropbear-bin
# python3-paramiko python3-asyncssh ansible-core pssh; with WIPED_FORBID_SKIP set a client that is not here is a failure.
test-interop:
	$(call suite,standard-verbose,-tags interop -run '^(TestInterop|TestExitStatusFirst)$$' -count=1 -timeout 40m ./cmd/wiped)

# A thousand sessions that watch, CONNECTIONS connections in a row, and a week of status lines in a hurry: the tables, and bin/load.json.
# LOAD=short has 2000 connections and an hour.
LOAD       ?= full
CONNECTIONS = $(if $(filter short,$(LOAD)),2000,100000)
test-load: export WIPED_LOAD_CONNECTIONS = $(CONNECTIONS)
test-load: export WIPED_WEEK_TICKS = $(if $(filter short,$(LOAD)),3600,604800)
test-load: build
	$(call suite,standard-verbose,-tags load -run '^TestLoad' -count=1 -timeout 120m ./cmd/wiped)
	$(call suite,standard-verbose,-run '^TestWeek$$' -count=1 -timeout 60m ./shell,-week)

# All that is too long for .ci/run, each part whole. It goes on after a part that failed, ends with a table, and fails if one failed. bench is
# the last, for it writes docs/performance anew.
NIGHT_PARTS = race test-vm test-clients test-crash test-faults test-hostile test-interop test-load fuzz-nightly bench
nightly:
	.ci/install putty-tools dropbear-bin python3-paramiko python3-asyncssh ansible-core pssh
	MAKE='$(MAKE)' .ci/nightly $(NIGHT_PARTS)

clean:
	rm -rf bin
