# SPDX-License-Identifier: GPL-2.0-only
"""Runs the functions test_* of a suite, each with a directory of its own, and prints a line each. needs("chdb") above one says what it
cannot do without; arguments name single tests."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

import rig

# What no statement of a test says twice.
PROGRAM = os.environ.get("SOCKWATCH", str(rig.BUILD / "sockwatch"))
STORES = str(rig.BUILD / "tests/fleet/stores")


class Skip(Exception):
    pass


def needs(*what):
    def wrap(test):
        test.needs = what
        return test
    return wrap


def check(condition, *words):
    if not condition:
        raise AssertionError(" ".join(str(word) for word in words))


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r}, not {wanted!r}"[:3000])


def sockwatch(*args, code=0, stdin=None, env=None):
    """Its output, after it ended as it should."""
    ret = subprocess.run([PROGRAM, *map(str, args)], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                         env=dict(os.environ, **(env or {})), timeout=rig.PATIENCE * 2)
    if ret.returncode != code:
        raise AssertionError(f"sockwatch {' '.join(map(str, args))} ended with {ret.returncode}: {ret.stderr.decode(errors='replace')[:600]}")
    return ret.stdout.decode(errors="surrogateescape")


def complaint(*args, code=1, env=None):
    """What it said when it ended as it should."""
    ret = subprocess.run([PROGRAM, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False, env=dict(os.environ, **(env or {})), timeout=rig.PATIENCE * 2)
    if ret.returncode != code:
        raise AssertionError(f"sockwatch {' '.join(map(str, args))} ended with {ret.returncode}, not {code}: "
                             f"{ret.stderr.decode(errors='replace')[:600]}")
    return ret.stderr.decode(errors="replace")


def make_stores(directory, hosts, lives, *more):
    """Of each store its path, lives, calls, losses and lives that go on."""
    out = subprocess.run([STORES, str(directory), str(hosts), str(lives), *map(str, more)], stdout=subprocess.PIPE, check=True).stdout
    return [(line.split()[0], *map(int, line.split()[1:])) for line in out.decode().splitlines()]


def wait_for(what, condition, seconds=rig.PATIENCE):
    deadline = time.monotonic() + seconds
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}, saw {seen!r}")
        time.sleep(0.05)


# How often the server of a test ended by itself, and the test was played again.
crashed = []


def play(title, test, left):
    """One test; 1 where it failed."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sockwatch-fleet-"))
    directory.chmod(0o755)
    crashed.clear()
    try:
        test(directory)
        print(f"PASS {title}", flush=True)
    except Skip as skip:
        print(f"SKIP {title}: {skip}", flush=True)
    except Exception as error:  # pylint: disable=broad-except
        if isinstance(error, rig.Crashed) and left:
            crashed.append(error)
            print(f"AGAIN {title}: {error}"[:400], flush=True)
            return 0
        print(f"FAIL {title}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"[:400], flush=True)
        traceback.print_exc(file=sys.stdout)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def main(names, tests):
    wanted, failed = sys.argv[1:], 0
    for name, test in tests.items():
        if not name.startswith("test_") or not callable(test) or (wanted and name[5:] not in wanted and name not in wanted):
            continue
        title = f"{names}-{name[5:].replace('_', '-')}"
        why = next(filter(None, map(rig.missing, getattr(test, "needs", ()))), None)
        if why:
            print(f"SKIP {title}: {why}", flush=True)
            continue
        for left in (2, 1, 0):
            failed += play(title, test, left)
            if not crashed:
                break
    sys.exit(1 if failed else 0)
