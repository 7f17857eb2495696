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

# Debian's own tools build it, from a copy of what git would commit.
DEPS_DEB := debhelper dpkg-dev
.PHONY: deb
deb: deps
	$(install_packages) $(DEPS_DEB)
	$(Q)rm -rf $(BUILD)/deb && mkdir -p $(BUILD)/deb
	$(Q)tools/copy-sources $(BUILD)/deb/sockwatch
	$(call say,DEB,$(BUILD)/deb)
	$(Q)cd $(BUILD)/deb/sockwatch && env -u MAKEFLAGS -u MAKELEVEL -u BUILD -u SOURCE_DATE_EPOCH \
		DEB_BUILD_OPTIONS='noautodbgsym parallel=$(shell nproc)' dpkg-buildpackage -b -us -uc >../log 2>&1 || { tail -n 30 ../log >&2; exit 1; }
	$(Q)rm -rf $(BUILD)/deb/sockwatch
	@ls $(BUILD)/deb/*.deb

# Installs and removes the package in a Debian of its own, as root.
.PHONY: deb-test
deb-test: deb
	$(install_packages) lintian debootstrap
	$(Q)tests/run tests/packages/deb.sh
