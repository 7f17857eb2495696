# SPDX-License-Identifier: GPL-2.0-only
#
# The program with a made-up kernel in place of src/kernel, which tells the same in every run: what it costs can be counted.

# A filter of system calls would be one for valgrind's own.
COST_OBJ := $(call OBJ,$(filter-out src/cli/confine% src/cli/two.c,$(CLI)) $(OUTPUT) $(SHIP) $(STORE) $(MODEL) src/kernel/look_decode.c $(wildcard tests/cost/*.c))

# Calls whose answer would differ between two runs or machines.
COST_WRAP := -Wl,--wrap=store_clock,--wrap=command_own_netns,--wrap=names_services

# A look's records are taken by the program's own reader.
$(BUILD)/tests/cost/host.o: $(SKELETON)

$(BUILD)/tests/cost/sockwatch: $(COST_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(filter-out -static,$(LDFLAGS)) $(COST_WRAP) -o $@ $^ -lsqlite3 -lz -lncursesw -ltinfo -lm
