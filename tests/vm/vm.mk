# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel matrix. tests/vm/run boots; here the guests' static programs are built, one directory an architecture.

VM          := $(BUILD)/vm
VM_HOST     := $(patsubst aarch64,arm64,$(shell uname -m))
VM_CROSS    := $(filter-out $(VM_HOST),x86_64 arm64)
gnu_x86_64  := x86_64-linux-gnu-
gnu_arm64   := aarch64-linux-gnu-
VM_COMPILER := $(foreach a,$(VM_CROSS),gcc-$(subst _,-,$(gnu_$(a):%-=%)))

.PHONY: deps-vm deps-vm-all vm-guest vm-guest-x86_64 vm-guest-arm64 vmtest vmtest-built

# What cannot be installed makes its kernels a skip with the reason, not an error.
deps-vm: deps
	-$(install_packages) qemu-system-x86 python3 xz-utils zstd e2fsprogs

deps-vm-all: deps-vm
	-$(install_packages) python3 qemu-system-arm
	-$(install_packages) $(VM_COMPILER)

$(BUILD)/init: $(BUILD)/tests/vm/init.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) -static -o $@ $^

vm-guest: $(BUILD)/sockwatch $(BUILD)/agent $(BUILD)/init $(BUILD)/tools/connrate
	@:

vm_guest = $(MAKE) --no-print-directory STATIC=1 SAN= BUILD=$(VM)/$(1) CROSS=$(2) SYSROOT=$(3) OBJECTS=$(4) vm-guest

# Of this machine they are linked from objects that are there already, unless those have sanitizers.
$(addprefix vm-guest-,$(VM_HOST)): vm-guest-%: $(if $(SAN),,$(BUILD)/sockwatch $(BUILD)/agent)
	+$(Q)$(call vm_guest,$*,,,$(if $(SAN),$(VM)/$*,$(BUILD)))

# Where there is no compiler or no library to link with, "why" is all the runner finds.
$(addprefix vm-guest-,$(VM_CROSS)): vm-guest-%:
	$(Q)mkdir -p $(VM)/$* && cd $(VM)/$* && rm -f why; \
	if ! command -v $(gnu_$*)gcc >/dev/null; then echo 'no $(gnu_$*)gcc on this machine' >why; \
	else sysroot=$$($(CURDIR)/tests/vm/fetch --sysroot $* $(filter %-dev,$(DEPS)) 2>why) && rm why; fi; \
	if [ -e why ]; then rm -f sockwatch agent init; \
	else cd $(CURDIR) && $(call vm_guest,$*,$(gnu_$*),$$sysroot,$(VM)/$*); fi

vmtest: deps-vm-all
	$(Q)$(MAKE) --no-print-directory vmtest-built

vmtest-built:
	$(Q)set -ef; for arch in $$(tests/vm/run --archs $(KERNELS)); do \
		$(MAKE) --no-print-directory vm-guest-$$arch; done
	$(Q)set -f; tests/vm/run --build $(VM) --brief $(if $(TABLE),--table $(TABLE)) $(VMFLAGS) $(KERNELS)

# In the test run: the oldest and the newest x86_64 kernel.
deps-test: deps-vm
test-programs: vm-guest-x86_64
