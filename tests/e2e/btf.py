# SPDX-License-Identifier: GPL-2.0-only
"""Usage: btf.py STRUCT MEMBER <vmlinux.btf >other.btf

The BTF of a kernel in which a member of a struct lies 8 bytes further on, as in another build.
"""
import struct
import sys

# Bytes behind a type, fixed or for each of its elements, by kind (include/uapi/linux/btf.h).
FIXED = {1: 4, 3: 12, 14: 4, 17: 4}
EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
STRUCT = 4


def main():
    wanted = [word.encode() + b"\0" for word in sys.argv[1:3]]
    btf = bytearray(sys.stdin.buffer.read())
    hdr_len, type_off, type_len, str_off = struct.unpack_from("<IIII", btf, 4)
    at, end, strings, moved = hdr_len + type_off, hdr_len + type_off + type_len, hdr_len + str_off, 0

    def is_named(offset, name):
        return btf.startswith(name, strings + offset)

    while at < end:
        name, info, _ = struct.unpack_from("<III", btf, at)
        kind, count = info >> 24 & 0x1F, info & 0xFFFF
        if kind == STRUCT and is_named(name, wanted[0]):
            for member in range(at + 12, at + 12 + 12 * count, 12):
                member_name, _, offset = struct.unpack_from("<III", btf, member)
                if is_named(member_name, wanted[1]):
                    struct.pack_into("<I", btf, member + 8, offset + 64)
                    moved += 1
        at += 12 + FIXED.get(kind, 0) + EACH.get(kind, 0) * count
    if not moved:
        sys.exit(f"no {sys.argv[1]}.{sys.argv[2]}")
    sys.stdout.buffer.write(btf)


main()
