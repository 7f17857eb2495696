# SPDX-License-Identifier: GPL-2.0-only
#
# A suite is a program that prints one line a test, "PASS name", "FAIL name: why" or "SKIP name: why", or TAP as cmocka
# does; tests/run runs suites and closes with the line that counts.

UNIT       := $(wildcard tests/unit/test_*.c)
UNIT_BIN   := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(UNIT))
UNIT_HELP  := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
# Unit tests are always built with ASan and UBSan, into a tree of their own.
SANFLAGS   := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
UNIT_OBJ    = $(patsubst %.c,$(BUILD)/san/%.o,$(MODEL) $(OUTPUT) $(STORE) $(wildcard src/cli/options*.c) src/cli/names.c src/cli/log.c src/kernel/plan.c $(UNIT_HELP))

$(BUILD)/san/%.o: %.c
	$(call say,CC-SAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/san/tests/unit/%.o $(UNIT_OBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) -o $@ $^ -lcmocka -lsqlite3 -lm

include tests/fuzz/fuzz.mk

# The end-to-end agent: no dependencies, static, so that the same file runs on the host and in any kernel.
AGENT_SRC := $(wildcard tests/e2e/*.c)
$(BUILD)/agent: $(patsubst %.c,$(BUILD)/%.o,$(AGENT_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static -pthread -o $@ $^

unit: $(UNIT_BIN)
	$(Q)tests/run $(UNIT_BIN)

e2e: $(BUILD)/sockwatch $(BUILD)/agent
	$(Q)tests/run $(wildcard tests/e2e/*.sh)

test: deps-test
	$(Q)$(MAKE) --no-print-directory test-built

.PHONY: test-built
test-built: $(BUILD)/sockwatch $(BUILD)/agent $(UNIT_BIN) $(FUZZ_PLAY)
	$(Q)tests/run $(UNIT_BIN) $(wildcard tests/layout/*.sh tests/fuzz/*.sh tests/e2e/*.sh tests/vm/*.sh)

# Long ones, at most ten minutes.
.PHONY: soak
soak: deps-test
	$(Q)$(MAKE) --no-print-directory $(BUILD)/sockwatch $(BUILD)/tools/connrate
	$(Q)tests/run $(wildcard tests/soak/*.sh)
