# SPDX-License-Identifier: GPL-2.0-only
#
#   make deps-fleet    what the tests of a fleet's database need, into build/fleet: Debian's clickhouse-server (100 MB) and libchdb, the
#                      current server as a library (550 MB); unpacked only, and kept in ~/.cache/sockwatch for all clones

.PHONY: deps-fleet
deps-fleet:
	$(Q)BUILD=$(BUILD) tests/fleet/fetch $(BUILD)/fleet

$(BUILD)/tests/fleet/stores: $(call OBJ,tests/fleet/stores.c $(STORE) $(MODEL))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(filter-out -static,$(LDFLAGS)) -o $@ $^ -lsqlite3 -lm
