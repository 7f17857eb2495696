# SPDX-License-Identifier: GPL-2.0-only
#
#   make deps-fleet    what the tests of a fleet's database need, into build/fleet: Debian's clickhouse-server (100 MB) and libchdb, the
#                      current server as a library (550 MB); unpacked only, and kept in ~/.cache/sockwatch for all clones

.PHONY: deps-fleet
deps-fleet:
	$(Q)BUILD=$(BUILD) tests/fleet/fetch $(BUILD)/fleet

FLEET_BIN := $(addprefix $(BUILD)/tests/fleet/,stores rows)
$(FLEET_BIN): $(BUILD)/tests/fleet/%: $(BUILD)/tests/fleet/%.o $(call OBJ,$(STORE) $(MODEL))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(filter-out -static,$(LDFLAGS)) -o $@ $^ -lsqlite3 -lm
