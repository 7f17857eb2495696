# SPDX-License-Identifier: GPL-2.0-only
#
#   make             build/sockwatch             make run      install what is missing, build, trace
#   make test        every test this machine can run, what it needs installed first
#   make fuzz        tests/fuzz with libFuzzer, FUZZ_SECONDS=60 each; `make test` plays what it has kept
#   make vmtest      the end-to-end tests on other kernels, KERNELS='x86_64-5.10 arm64-*'; TABLE=docs/kernels.md keeps the table
#                    VMFLAGS=--resume goes on where a run was stopped
#   make setup-test  README's two commands on an empty Debian, SUITES='bookworm trixie'
#   make look        web pages in a headless Chromium, at several sizes and colours; pictures in build/look
#   make install     PREFIX=/usr/local DESTDIR=
#   make deb         a package for this Debian: build/deb/*.deb
#   make dist        static programs with pages and units for x86_64 and arm64, with checksums: build/dist/
#
#   V=1 show commands   WERROR=1 warnings are errors   SAN=1 ASan and UBSan   STATIC=1 one file for any host
#   CROSS=aarch64-linux-gnu- SYSROOT=DIR   build for another machine

PREFIX  ?= /usr/local
DESTDIR ?=
UNITDIR ?= $(PREFIX)/lib/systemd/system
CROSS   ?=
CC      := $(CROSS)gcc
CLANG   ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
BUILD   ?= build
VERSION := 0.1.0

Q := $(if $(V),,@)
comma := ,
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

WARN   := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu17 $(WARN) $(if $(WERROR),-Werror) -fno-strict-aliasing -pthread
override CPPFLAGS += -D_GNU_SOURCE -DSOCKWATCH_VERSION='"$(VERSION)"' -Iinclude -isystem $(BUILD)
LDLIBS := -lbpf -lelf -lz -lsqlite3 -lseccomp -lncursesw -ltinfo -lm
ifdef SYSROOT
override CFLAGS += --sysroot=$(SYSROOT)
endif
ifdef STATIC
LDFLAGS += -static
# Of a libelf.a that can compress.
LDLIBS += $(filter /%,$(shell $(CC) $(CFLAGS) -print-file-name=libzstd.a))
# HTTP without its TLS, which is in a library that cannot be linked so and is never asked for: each of its functions is one that does nothing.
override CPPFLAGS += -DSOCKWATCH_STATIC
MHD := $(filter /%,$(shell $(CC) $(CFLAGS) -print-file-name=libmicrohttpd.a))
LDLIBS += -lmicrohttpd $(patsubst %,-Wl$(comma)--defsym=%=http_no_tls,$(sort $(filter gnutls_%,$(if $(MHD),$(shell $(CROSS)nm -u $(MHD) 2>/dev/null)))))
endif
ifdef SAN
override CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif

# For a make inside make, where nobody has said how many jobs.
all_processors = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# What each room is made of; tests check that none includes or calls what it must not know.
MODEL  := $(wildcard src/model/*.c)
OUTPUT := $(wildcard src/output/*.c)
STORE  := $(wildcard src/store/*.c)
SHIP   := $(wildcard src/ship/*.c)
KERNEL := $(wildcard src/kernel/*.c)
CLI    := $(wildcard src/cli/*.c)
# A static program on this machine is linked from the objects of the other build, but for what is compiled otherwise there.
OBJECTS ?= $(BUILD)
STATIC_OTHERWISE := $(shell grep -l SOCKWATCH_STATIC src/*/*.c)
OBJ     = $(foreach source,$(1),$(if $(filter $(source),$(STATIC_OTHERWISE)),$(BUILD),$(OBJECTS))/$(source:.c=.o))
# The tracer's programs become one object; those of a look are others, because a listing must start fast.
BPF    := $(filter-out bpf/look.bpf.c bpf/reach.bpf.c bpf/walk.bpf.c,$(wildcard bpf/*.bpf.c))
BPF_OBJ := $(patsubst %.bpf.c,$(BUILD)/%.bpf.o,$(BPF))
SKELETON := $(patsubst %,$(OBJECTS)/%.skel.h,sockwatch look reach walk)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all run test unit e2e deps deps-test install install-files clean check-layers
all: $(BUILD)/sockwatch

$(BUILD)/sockwatch: $(call OBJ,$(CLI) $(KERNEL) $(OUTPUT) $(SHIP) $(STORE) $(MODEL))
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A system header to the compiler, so that its warnings are not ours; hence named here.
$(call OBJ,$(KERNEL)): $(SKELETON)

$(BUILD)/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The target word size and byte order are the same on every supported machine, so one BPF object serves all.
$(BUILD)/%.bpf.o: %.bpf.c vmlinux/vmlinux.h
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Wno-unused-parameter -Wno-missing-declarations \
		$(if $(WERROR),-Werror) -ffile-compilation-dir=. -Ivmlinux -Iinclude -Ibpf -MMD -MP -c -o $@ $<

$(BUILD)/sockwatch.bpf.o: $(BPF_OBJ)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/look.bpf.o $(BUILD)/reach.bpf.o $(BUILD)/walk.bpf.o: $(BUILD)/%.bpf.o: $(BUILD)/bpf/%.bpf.o
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

DEPS := clang libbpf-dev bpftool libelf-dev zlib1g-dev libsqlite3-dev libseccomp-dev libncurses-dev libmicrohttpd-dev libcurl4-gnutls-dev gcc libc6-dev make pkg-config
DEPS_TEST := libcmocka-dev nginx-light curl redis-server redis-tools iproute2 python3 jq procps clang llvm \
	lsof postgresql openssh-server openbsd-inetd systemd util-linux libcap2-bin netbase \
	debootstrap sqlite3 nftables iptables openssh-client passt valgrind \
	groff-base man-db mandoc zsh fish python3-jsonschema
include dist/dist.mk
include tests/tests.mk
include tools/tools.mk
include tests/vm/vm.mk

install_packages = $(Q)BUILD=$(BUILD) tools/install-packages

deps:
	$(install_packages) $(DEPS)

# xinetd and openbsd-inetd exclude each other as packages; a test runs both, so one is only unpacked.  So is prometheus, which as a
# package is a service that listens.
deps-test: deps
	$(install_packages) $(DEPS_TEST)
	$(Q)[ -x $(BUILD)/xinetd/usr/sbin/xinetd ] || BUILD=$(BUILD) tools/install-packages --unpack $(BUILD)/xinetd xinetd || \
		echo "  no xinetd: its test is skipped"
	$(Q)[ -x $(BUILD)/prometheus/usr/bin/promtool ] || BUILD=$(BUILD) tools/install-packages --unpack $(BUILD)/prometheus prometheus || \
		echo "  no prometheus: its tests are skipped"

# A second make, because bpftool and clang are looked up when make starts.
run: deps
	$(Q)$(MAKE) --no-print-directory $(all_processors) all
	$(Q)exec $(BUILD)/sockwatch trace $(ARGS)

# install-files builds nothing: a program of another machine is installed by it, too.
PROGRAM ?= $(BUILD)/sockwatch
install: all pages
	$(Q)$(MAKE) --no-print-directory install-files
install-files:
	install -D -m 0755 $(PROGRAM) $(DESTDIR)$(PREFIX)/sbin/sockwatch
	$(Q)for unit in sockwatch-record sockwatch-export sockwatch-ship; do \
		sed 's|@sbindir@|$(PREFIX)/sbin|; s|@datadir@|$(PREFIX)/share|' dist/$$unit.service.in > $(BUILD)/$$unit.service || exit 1; done
	install -D -m 0644 $(BUILD)/sockwatch-record.service $(DESTDIR)$(UNITDIR)/sockwatch-record.service
	install -m 0644 $(BUILD)/sockwatch-export.service $(DESTDIR)$(UNITDIR)/sockwatch-export.service
	install -m 0644 $(BUILD)/sockwatch-ship.service $(DESTDIR)$(UNITDIR)/sockwatch-ship.service
	install -D -m 0644 dist/sockwatch.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/sockwatch.conf
	install -D -m 0644 dist/sockwatch.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/sockwatch.conf
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/sockwatch/schema $(DESTDIR)$(PREFIX)/share/sockwatch/prometheus
	install -m 0644 docs/schema/*.json $(DESTDIR)$(PREFIX)/share/sockwatch/schema
	install -m 0644 dist/prometheus/* $(DESTDIR)$(PREFIX)/share/sockwatch/prometheus
	install -m 0644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1
	install -D -m 0644 $(BUILD)/completion/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sockwatch
	install -D -m 0644 $(BUILD)/completion/zsh $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_sockwatch
	install -D -m 0644 $(BUILD)/completion/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/sockwatch.fish

clean:
	$(Q)rm -rf $(BUILD)

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
