# SPDX-License-Identifier: GPL-2.0-only
#
#   make tools         the generators, build/tools/
#   make bench         tables of what watching costs, beside ss, lsof and Debian's libbpf-tools; ten minutes at most, and in
#                      build/bench.json; ARGS='rate --rounds 5' one part at length, ARGS=all every one

TOOLS      := connrate flood forkrate nullcall
TOOLS_BIN  := $(TOOLS:%=$(BUILD)/tools/%)
DEPS_BENCH := libbpf-tools python3 util-linux lsof iproute2 nginx-light wrk redis-server redis-tools

.PHONY: tools bench deps-bench
tools: $(TOOLS_BIN) $(BUILD)/tools/empty

$(TOOLS_BIN): $(BUILD)/tools/%: $(BUILD)/tools/%.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

deps-bench: deps
	$(install_packages) $(DEPS_BENCH)

# The empty program is measured beside sockwatch record.
$(BUILD)/tools/empty: $(BUILD)/tools/empty.o $(BUILD)/tools/empty.bpf.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -lbpf -lelf -lz

bench: deps-bench
	$(Q)$(MAKE) --no-print-directory tools $(BUILD)/sockwatch
	$(Q)BUILD=$(BUILD) tools/bench --json $(BUILD)/bench.json $(ARGS)
