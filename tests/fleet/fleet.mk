# SPDX-License-Identifier: GPL-2.0-only
#
#   make deps-fleet    what the tests of a fleet's database need, into build/fleet: Debian's clickhouse-server (100 MB) and libchdb, the
#                      current server as a library (550 MB); unpacked only, and kept in ~/.cache/sockwatch for all clones
#   make fleet-faults  1,000,000 lives of twenty hosts through 200 faults, to both servers; `make test` has 20,000 and 40

.PHONY: deps-fleet fleet-faults
fleet-faults: deps-test deps-fleet
	$(Q)$(MAKE) --no-print-directory $(all_processors) $(BUILD)/sockwatch $(FLEET_BIN)
	$(Q)BUILD=$(BUILD) FLEET_LIVES=1000000 SUITE_TIMEOUT=3600 tests/run tests/fleet/faults.sh

deps-fleet:
	$(Q)BUILD=$(BUILD) tests/fleet/fetch $(BUILD)/fleet

FLEET_BIN := $(addprefix $(BUILD)/tests/fleet/,stores rows)
$(FLEET_BIN): $(BUILD)/tests/fleet/%: $(BUILD)/tests/fleet/%.o $(call OBJ,$(STORE) $(MODEL))
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(filter-out -static,$(LDFLAGS)) -o $@ $^ -lsqlite3 -lm
