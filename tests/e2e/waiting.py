# SPDX-License-Identifier: GPL-2.0-only
"""waiting.py: waits with a deadline; what waited in vain says for what, and what it saw instead."""
import os, select, time

DEADLINE = 30
STEP = 0.02


class Vain(AssertionError):
    pass


def until(what, look, good=bool, seconds=DEADLINE):
    """Looks until `good` holds for what is seen, which is returned."""
    end, looks = time.monotonic() + seconds, 0
    while True:
        seen, looks = look(), looks + 1
        if good(seen):
            return seen
        if time.monotonic() >= end:
            raise Vain("waited %d s (%d looks) in vain for %s; saw %r" % (seconds, looks, what, seen))
        time.sleep(STEP)


def first_line(what, process, stream, begin="", seconds=DEADLINE):
    """The first line of a process, from its bytes: before it nothing may have been read from `stream`."""
    line, end = b"", time.monotonic() + seconds
    while not line.endswith(b"\n"):
        if not select.select([stream], [], [], max(0, end - time.monotonic()))[0]:
            raise Vain("waited %d s in vain for %s; saw %r" % (seconds, what, line))
        byte = os.read(stream.fileno(), 1)
        if not byte:
            break
        line += byte
    text = line.decode(errors="replace")
    if not text.endswith("\n") or not text.startswith(begin):
        raise Vain("instead of %s saw %r%s" % (what, text, "" if process.poll() is None else
                                               ", and its end with code %d" % process.returncode))
    return text
