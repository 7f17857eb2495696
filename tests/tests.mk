# SPDX-License-Identifier: GPL-2.0-only
#
# A suite is a program that prints one line a test, "PASS name", "FAIL name: why" or "SKIP name: why", or TAP as cmocka
# does; tests/run runs suites and closes with the line that counts.

UNIT       := $(wildcard tests/unit/test_*.c)
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT))
UNIT_HELP  := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
# Unit tests are always built with ASan and UBSan, into a tree of their own.
SANFLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
UNIT_OBJ    = $(patsubst %.c,$(BUILD)/san/%.o,$(MODEL) $(OUTPUT) $(SHIP) $(STORE) $(wildcard src/cli/options*.c src/cli/confine*.c) src/cli/names.c src/cli/log.c \
	src/kernel/plan.c src/kernel/lost.c src/kernel/netns.c src/kernel/capability.c src/kernel/ipvs.c src/kernel/iptables.c src/kernel/redirect_list.c \
	src/kernel/runtimes.c $(wildcard src/kernel/nft*.c) $(UNIT_HELP))

$(BUILD)/san/%.o: %.c
	$(call say,CC-SAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

# Calls that a test answers itself.
WRAP_test_netns := -Wl,--wrap=setns
WRAP_test_hash := -Wl,--wrap=calloc
WRAP_test_ship := $(addprefix -Wl$(comma)--wrap=ship_http_,open do close)
WRAP_test_ship_store := $(WRAP_test_ship)

# What looks are taken for, beside a test that answers them; what rings are read by, beside one that fills them.
$(BUILD)/tests/unit/test_left_ports: $(BUILD)/san/src/cli/left_ports.o
$(BUILD)/tests/unit/test_intake: $(BUILD)/san/src/kernel/intake.o

$(BUILD)/tests/unit/%: $(BUILD)/san/tests/unit/%.o $(UNIT_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(WRAP_$(@F)) -o $@ $^ -lcmocka -lsqlite3 -lseccomp -lz -lm

include tests/fuzz/fuzz.mk
include tests/cost/cost.mk
include tests/fleet/fleet.mk

# The end-to-end agent: no dependencies, static, so that the same file runs on the host and in any kernel.
AGENT_SRC := $(wildcard tests/e2e/*.c)
$(BUILD)/agent: $(call OBJ,$(AGENT_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static -pthread -o $@ $^

# What makes the calls of another program fail: a starter, and a library inside that program.
FAULTS := $(addprefix $(BUILD)/tests/faults/,inject preload.so)
$(BUILD)/tests/faults/inject: tests/faults/inject.c tests/faults/faults.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -o $@ $<

$(BUILD)/tests/faults/preload.so: tests/faults/preload.c tests/faults/faults.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $<

unit: $(UNIT_BIN)
	$(Q)tests/run $(UNIT_BIN)

E2E_PROGRAMS := $(BUILD)/sockwatch $(BUILD)/agent $(BUILD)/tools/connrate $(BUILD)/tools/flood $(BUILD)/tools/forkrate $(FAULTS)
e2e: $(E2E_PROGRAMS)
	$(Q)tests/run $(wildcard tests/e2e/*.sh)

# The build has all processors, the suites none of make's job tokens.
test: deps-test
	$(Q)$(MAKE) --no-print-directory deps-fleet || true
	$(Q)$(MAKE) --no-print-directory $(all_processors) test-programs
	$(Q)$(MAKE) --no-print-directory test-built

# What disturbs no suite of the host: machines in emulation, a fleet's servers, what has a network of its own with little in it,
# and what needs no network. One lane begins with the first of them, the other with the last: these two take longest.
BESIDE := tests/vm/vm.sh tests/vm/power.sh $(wildcard tests/fleet/*.sh) $(addprefix tests/e2e/,scarce.sh ship.sh unsent.sh) \
	$(UNIT_BIN) $(wildcard tests/layout/*.sh tests/setup/*.sh tests/fuzz/*.sh) tests/cost/guard tests/vm/service.sh
.PHONY: test-programs test-built
test-programs: $(E2E_PROGRAMS) $(UNIT_BIN) $(FUZZ_PLAY) $(BUILD)/tests/cost/sockwatch $(FLEET_BIN) pages
test-built: test-programs
	$(Q)tests/run $(filter-out $(BESIDE),$(wildcard tests/e2e/*.sh tests/vm/*.sh)) --beside $(BESIDE)

# The README's two commands on a Debian with nothing on it; half an hour for each suite.
.PHONY: setup-test
setup-test:
	$(install_packages) debootstrap
	$(Q)BUILD=$(BUILD) tests/setup/run $(or $(SUITES),bookworm trixie)

# Static analyzers over the sources, valgrind and ThreadSanitizer over short runs; a few minutes, as root.
DEPS_ANALYZE := cppcheck clang-tidy clang-tools valgrind util-linux python3
.PHONY: analyze
analyze: deps
	$(install_packages) $(DEPS_ANALYZE)
	$(Q)$(MAKE) --no-print-directory $(all_processors) $(BUILD)/sockwatch
	$(Q)mkdir -p $(BUILD)/tsan && cp -a $(BUILD)/*.skel.h $(BUILD)/*.bpf.o $(BUILD)/bpf $(BUILD)/tsan
	$(Q)$(MAKE) --no-print-directory $(all_processors) BUILD=$(BUILD)/tsan CFLAGS='-O1 -g -fsanitize=thread' LDFLAGS=-fsanitize=thread \
		$(BUILD)/tsan/sockwatch
	$(Q)SUITE_TIMEOUT=1800 tests/run tests/analyze/run

# Floods at full size, of kind ARGS or each kind; a part of the long ones.
.PHONY: flood
flood: deps-test
	$(Q)$(MAKE) --no-print-directory $(BUILD)/sockwatch $(BUILD)/tools/connrate $(BUILD)/tools/flood $(BUILD)/tools/forkrate
	$(Q)BUILD=$(BUILD) tests/soak/flood.sh $(ARGS)

# Pages in a headless Chromium, which takes 300 MB; pictures in build/look.
DEPS_LOOK := chromium fonts-dejavu-core python3
.PHONY: look
look: deps
	$(install_packages) $(DEPS_LOOK)
	$(Q)$(MAKE) --no-print-directory $(all_processors) $(BUILD)/sockwatch
	$(Q)tests/run tests/look/run

# Long ones, at most ten minutes.
.PHONY: soak
soak: deps-test
	$(Q)$(MAKE) --no-print-directory $(BUILD)/sockwatch $(BUILD)/tools/connrate $(BUILD)/tools/flood $(BUILD)/tools/forkrate
	$(Q)tests/run $(wildcard tests/soak/*.sh)
