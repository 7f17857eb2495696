# SPDX-License-Identifier: GPL-2.0-only
#
#   make fuzz          every target of tests/fuzz for FUZZ_SECONDS (60); what is found fails and stays in build/fuzz/NAME
#                      FUZZ='facts store' only these
#   make fuzz-corpus   what they found new, minimized, into tests/fuzz/corpus
#
# A target is tests/fuzz/NAME.c. `make test` plays its corpus with gcc's sanitizers, `make fuzz` needs clang and its libFuzzer.

FUZZ_ALL     := $(filter-out judge main,$(basename $(notdir $(wildcard tests/fuzz/*.c))))
FUZZ         ?= $(FUZZ_ALL)
FUZZ_SECONDS ?= 60
FUZZ_DIR     := $(BUILD)/fuzz
FUZZ_PLAY    := $(addprefix $(BUILD)/tests/fuzz/,$(FUZZ_ALL))
FUZZ_CC       = $(CLANG) $(filter-out -fno-sanitize-recover=undefined,$(SANFLAGS)) -fno-sanitize-recover=all

FUZZ_SRC   = $(MODEL) $(OUTPUT) $(SHIP) $(STORE) $(wildcard src/cli/options*.c) src/cli/names.c src/cli/log.c
FUZZ_OBJ   = $(patsubst %.c,$(1)/%.o,$(FUZZ_SRC) tests/fuzz/judge.c)
# names.c is part of its target.
$(BUILD)/tests/fuzz/names $(FUZZ_DIR)/bin/names: FUZZ_OMIT = %/src/cli/names.o

$(BUILD)/tests/fuzz/%: $(BUILD)/san/tests/fuzz/%.o $(BUILD)/san/tests/fuzz/main.o $(call FUZZ_OBJ,$(BUILD)/san)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) -o $@ $(filter-out $(FUZZ_OMIT),$^) -lsqlite3 -lz -lm

$(FUZZ_DIR)/%.o: %.c
	$(call say,FUZZ-CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/bin/%: $(FUZZ_DIR)/tests/fuzz/%.o $(call FUZZ_OBJ,$(FUZZ_DIR))
	$(call say,FUZZ-LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer -pthread -o $@ $(filter-out $(FUZZ_OMIT),$^) -lsqlite3 -lz -lm


# A clang may come without its sanitizers; the package that has them is named after its version.
.PHONY: fuzz fuzz-deps fuzz-built fuzz-corpus
fuzz-deps: deps
	$(Q)echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' | \
		$(CLANG) -fsanitize=fuzzer,address,undefined -x c -o $(BUILD)/fuzz-probe - 2>/dev/null || \
		$(MAKE) --no-print-directory deps DEPS="libclang-rt-$$($(CLANG) -dumpversion | cut -d. -f1)-dev"

fuzz: fuzz-deps
	$(Q)$(MAKE) --no-print-directory fuzz-built

fuzz-built: $(addprefix $(FUZZ_DIR)/bin/,$(FUZZ))
	$(Q)FUZZ_DIR=$(FUZZ_DIR) tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ)

fuzz-corpus: fuzz-deps
	$(Q)$(MAKE) --no-print-directory fuzz-built FUZZ_SECONDS=merge
