# SPDX-License-Identifier: GPL-2.0-only
"""What two tiers of hooks must agree on: each socket's events in order, with their fields and owners.

A story is told as the program's own JSON lines. Sockets live side by side, so there is an order within a socket and
none between them. Numbers that no two runs share (times, cookies, ports, processes) become "#" or the place of their
first use, so that a field which one tier leaves out is a difference and its value is not.
"""
import json
from collections import defaultdict

# Differ from run to run, or from machine to machine, without meaning anything; arguments have the tier's name.
UNSTABLE = {"time", "netns", "cookie", "after_ns", "opened", "duration_ns", "rtt_us", "retransmits", "since", "cgroup",
            "container", "used", "ns", "inode", "syns", "start", "args"}
NUMBERED = {"port", "pid", "tid"}
# A FIN that comes with the ACK or after it; the first object of a stream has the schema's number, whichever socket's it is.
BY_CHANCE = {"substate", "schema"}
# The kernel's hash picks the listener; two processes meet or not; a worker finds the connection or who asked is woken by it.
# Where the limit of TIME_WAITs is met only the trampolines know who has got one; connect() in repair is connected at once.
PLAYED_BY_CHANCE = {"owner-reuseport", "close-simultaneous", "uring-accept-waiting-async", "cut-few-time-waits",
                    "cut-repair-never-sent"}


def normalise(value, numbers, key=""):
    """The value without its accidents; `numbers` gives a port or a process the place of its first use in the socket."""
    if isinstance(value, dict):
        return {k: normalise(v, numbers, k) for k, v in value.items() if k not in BY_CHANCE}
    if key in UNSTABLE or key.endswith("_ns"):
        return "#"
    if isinstance(value, list):
        return [normalise(v, numbers, key) for v in value]
    if key in NUMBERED and value:
        kind = "port" if key == "port" else "process"
        return f"{kind} {numbers[kind].setdefault(value, len(numbers[kind]) + 1)}"
    return value


def story_of(lines):
    """From the lines of one scenario to a sorted list of sockets, each the list of its events. A line that is no JSON
    stands for itself, in the order told."""
    sockets, plain = defaultdict(list), []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict):
            if event.get("from") == "TIME_WAIT":  # only the trampolines see its end, and when is up to the kernel
                continue
            sockets[event.get("netns"), event.get("cookie")].append(event)
        else:
            plain.append(line)
    told = []
    for events in sockets.values():
        numbers = defaultdict(dict)
        told.append([json.dumps(normalise(e, numbers), ensure_ascii=False) for e in events])
    return sorted(told) + ([plain] if plain else [])


def difference(one, other):
    """What the two tell differently, as a pair of short texts, or None. Sockets told alike are left out first."""
    rest, odd = list(story_of(other)), []
    for socket in story_of(one):
        if socket in rest:
            rest.remove(socket)
        else:
            odd.append(socket)
    if not odd and not rest:
        return None
    left, right = (odd or [[]])[0], (rest or [[]])[0]
    at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
    return tuple(events[at] if at < len(events) else "nothing" if not events else "nothing more"
                 for events in (left, right))
