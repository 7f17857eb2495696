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
$(PAGES): tools/pages.c $(wildcard src/cli/options*.[ch]) src/cli/names.c src/cli/log.c src/output/escape.c src/output/utf8.c src/output/buffer.c src/ship/place.c \
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

# Static programs, built as those of the machines in tests/vm, with all that make install installs; the same bytes from the same commit
# wherever and whenever it is built with the same compilers.  The id of the build goes, which the debugging information made, with its paths.
DIST_ARCHS ?= x86_64 arm64
DIST_NAME   = sockwatch-$(VERSION)-linux-$(1)
.PHONY: dist $(addprefix dist-,x86_64 arm64)
dist: $(addprefix dist-,$(DIST_ARCHS))
	$(Q)cd $(BUILD)/dist && sha256sum $(foreach a,$(DIST_ARCHS),$(call DIST_NAME,$(a)).tar.xz) >SHA256SUMS && cat SHA256SUMS

$(addprefix dist-,x86_64 arm64): dist-%: vm-guest-% pages
	$(Q)[ ! -e $(VM)/$*/why ] || { echo "no $* build: $$(cat $(VM)/$*/why)" >&2; exit 1; }
	$(call say,DIST,$(call DIST_NAME,$*))
	$(Q)rm -rf $(BUILD)/dist/$(call DIST_NAME,$*) && mkdir -p $(BUILD)/dist/$(call DIST_NAME,$*)
	$(Q)$(MAKE) --no-print-directory -s install-files PROGRAM=$(VM)/$*/sockwatch DESTDIR=$(BUILD)/dist/$(call DIST_NAME,$*) PREFIX=/usr/local >/dev/null
	$(Q)cd $(BUILD)/dist && $(if $(filter $*,$(VM_CROSS)),$(gnu_$*))strip -R .note.gnu.build-id $(call DIST_NAME,$*)/usr/local/sbin/sockwatch && \
		cp $(addprefix $(CURDIR)/,LICENSE README.md SECURITY.md) $(call DIST_NAME,$*) && \
		tar --sort=name --mtime=@$(SOURCE_DATE_EPOCH) --owner=0 --group=0 --numeric-owner --mode=go-w,go+rX -c $(call DIST_NAME,$*) | \
		xz -T1 >$(call DIST_NAME,$*).tar.xz

# Builds all of it once more, elsewhere.
.PHONY: dist-test
dist-test: deps-vm-all
	$(Q)$(MAKE) --no-print-directory dist
	$(Q)tests/run tests/packages/dist.sh
