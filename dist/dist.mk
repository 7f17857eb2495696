# SPDX-License-Identifier: GPL-2.0-only
#
# What is installed beside the program: manual pages and completion, from the words of --help.

HOSTCC ?= gcc
PAGES  := $(BUILD)/host/pages
MAN    := $(patsubst docs/man/%.man,$(BUILD)/man/%.1,$(wildcard docs/man/*.man))
COMPLETION := $(addprefix $(BUILD)/completion/,bash zsh fish)
# When the sources are of, whatever machine builds them and when.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y Makefile)
PAGES_DATE = $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%F)

.PHONY: pages
pages: $(MAN) $(COMPLETION)

# For the machine that builds, in one step: it is not what is installed.
$(PAGES): tools/pages.c $(wildcard src/cli/options*.[ch]) src/cli/names.c src/cli/log.c src/output/escape.c src/output/utf8.c src/output/buffer.c \
		$(MODEL)
	$(call say,HOSTCC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CPPFLAGS) -std=gnu17 -O1 $(WARN) $(if $(WERROR),-Werror) -fno-strict-aliasing -o $@ $(filter %.c,$^) -lm

# sockwatch.man is the page of the program, NAME.man that of a command.
$(BUILD)/man/%.1: docs/man/%.man $(PAGES)
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(PAGES) man $(patsubst sockwatch-%,%,$*) $(PAGES_DATE) $< >$@

$(BUILD)/completion/%: dist/completion/% $(PAGES)
	$(call say,SHELL,$@)
	$(Q)mkdir -p $(@D)
	$(Q)($(PAGES) $* && cat $<) >$@
