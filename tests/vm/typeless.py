# SPDX-License-Identifier: GPL-2.0-only
"""A distribution's kernel made into one that carries no BTF, and that BTF as a file.

Every kernel of the list is built with CONFIG_DEBUG_INFO_BTF.  Its image is unpacked, the types in it replaced by a BTF
that has next to none and the ids of those types (.BTF_ids) by zeros, as the linker leaves them where there are none; a BTF that
is merely broken would make the kernel refuse every program.  What is left is an ELF file that QEMU boots by its PVH note.
"""
import struct
import subprocess

LZ4_LEGACY = b"\x02\x21\x4c\x18"
ZSTD = b"\x28\xb5\x2f\xfd"
BTF_HEADER = struct.Struct("<HBBIIIII")  # magic, version, flags, hdr_len, type_off, type_len, str_off, str_len
BTF_MAGIC = 0xEB9F
BTF_STRUCT = 4 << 24  # with no member
# What Linux 5.10 looks for in its BTF before it takes any program; a kernel without BTF looks for nothing.
MAP_STRUCTS = ("bpf_array", "bpf_htab", "bpf_stack_map", "bpf_cgroup_storage_map", "lpm_trie", "bpf_dtab",
               "bpf_cpu_map", "xsk_map", "bpf_stab", "bpf_shtab", "bpf_queue_stack", "bpf_local_storage_map",
               "bpf_struct_ops_map", "bpf_ringbuf_map", "bpf_map", "reuseport_array")


def lz4_length(packed, at, nibble):
    """A length of the block format, which continues in further bytes after 15; and where it ends."""
    length = nibble
    while nibble == 15:
        length += packed[at]
        at += 1
        if packed[at - 1] != 255:
            break
    return length, at


def lz4_block(packed, at, end, out):
    """Appends what one block of the legacy frame says; matches reach into earlier blocks never."""
    while at < end:
        token = packed[at]
        literals, at = lz4_length(packed, at + 1, token >> 4)
        out += packed[at:at + literals]
        at += literals
        if at >= end:
            return
        back = packed[at] | packed[at + 1] << 8
        match, at = lz4_length(packed, at + 2, token & 15)
        match += 4
        start = len(out) - back
        if back >= match:
            out += out[start:start + match]
        else:  # overlaps what it makes
            out += (bytes(out[start:]) * (match // back + 1))[:match]


def unpack(payload):
    """The kernel of a bzImage's payload; the four bytes at its end are its size."""
    size = struct.unpack("<I", payload[-4:])[0]
    if payload.startswith(LZ4_LEGACY):
        out, at = bytearray(), 4
        while len(out) < size:
            length = struct.unpack_from("<I", payload, at)[0]
            lz4_block(payload, at + 4, at + 4 + length, out)
            at += 4 + length
    elif payload.startswith(ZSTD):
        out = bytearray(subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout)
    else:
        raise ValueError(f"packed in a way not known here ({payload[:4].hex()})")
    if len(out) != size:
        raise ValueError(f"unpacks to {len(out)} bytes, not {size}")
    return out


def payload_of(image):
    """Linux's Documentation/arch/x86/boot.rst: setup_sects, HdrS, payload_offset, payload_length."""
    if image[0x202:0x206] != b"HdrS":
        raise ValueError("no bzImage")
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    return image[start:start + length]


def sections(elf):
    """From name to (offset, size)."""
    table, = struct.unpack_from("<Q", elf, 0x28)
    entry, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + i * entry) for i in range(count)]
    strings = headers[names][4]
    return {bytes(elf[strings + h[0]:elf.index(0, strings + h[0])]).decode(): h[4:6] for h in headers}


def almost_no_types(size):
    """A BTF that fills `size` bytes with its strings, because the kernel wants the sections to fill the whole."""
    types, strings = b"", b"\0"
    for name in MAP_STRUCTS:
        types += struct.pack("<III", len(strings), BTF_STRUCT, 0)
        strings += name.encode() + b"\0"
    header = BTF_HEADER.pack(BTF_MAGIC, 1, 0, BTF_HEADER.size, 0, len(types), len(types),
                             size - BTF_HEADER.size - len(types))
    return (header + types + strings).ljust(size, b"\0")


def without_types(image):
    """From a bzImage to (a kernel without BTF, its BTF).  ValueError for what cannot be changed."""
    kernel = unpack(payload_of(image))
    found = sections(kernel)
    if ".BTF" not in found or ".BTF_ids" not in found:
        raise ValueError("has no BTF to take out")
    at, size = found[".BTF"]
    types = bytes(kernel[at:at + size])
    kernel[at:at + size] = almost_no_types(size)
    at, size = found[".BTF_ids"]
    kernel[at:at + size] = bytes(size)
    return bytes(kernel), types
