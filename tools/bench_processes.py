# SPDX-License-Identifier: GPL-2.0-only
"""What following processes costs: forks and execs a second with and without a trace, and nanoseconds in its programs."""
import contextlib
import json
import os
import statistics
import subprocess

SYSCTL = "/proc/sys/kernel/bpf_stats_enabled"
SECONDS = 2


def rate(forkrate, how):
    out = subprocess.run([forkrate, str(SECONDS), *how], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return int(out[0]) * 1e6 / int(out[1])


def spent():
    """Runs and nanoseconds so far by the end of the program's name; empty where nobody can say."""
    found = subprocess.run(["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           check=False).stdout
    sums = {}
    for prog in json.loads(found or b"[]"):
        name = prog.get("name", "")
        # The kernel keeps 15 bytes of a name.
        if name.startswith(("tp_btf__sched_p", "tp_btf__task_re", "again__sched_p", "again__task_re")):
            sums[prog["id"]] = (prog.get("run_cnt", 0), prog.get("run_time_ns", 0), f"{name} ({prog['id']})")
    return sums


@contextlib.contextmanager
def tracing(sockwatch):
    """A trace that shows nothing, from its first word to its end."""
    process = subprocess.Popen([sockwatch, "trace", "--port", "1"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stderr.readline()
        if "tracing" not in said:
            raise SystemExit("bench: " + said.strip())
        yield
    finally:
        process.send_signal(2)
        rest = process.communicate()[1].strip()
        if process.returncode:
            print("processes: " + rest)


def set_stats(value):
    try:
        with open(SYSCTL, "r+", encoding="ascii") as f:
            before = f.read().strip()
            f.seek(0)
            f.write(value)
        return before
    except OSError:
        return None


def bench(opt, _tools):
    """Bare rounds before and after each traced one: the machine drifts."""
    sockwatch, forkrate = opt.sockwatch, os.path.join(opt.build, "tools", "forkrate")
    for label, how in (("fork", ()), ("fork+exec", ("exec",))):
        bare, traced = [rate(forkrate, how)], []
        for _ in range(opt.rounds):
            with tracing(sockwatch):
                traced.append(rate(forkrate, how))
            bare.append(rate(forkrate, how))
        share = statistics.median(traced) / statistics.median(bare)
        print(f"processes {label}: {statistics.median(bare):,.0f}/s bare, {statistics.median(traced):,.0f}/s traced, "
              f"{share:.3f} of it")
    before = set_stats("1")
    if before is None:
        print(f"processes: {SYSCTL} cannot be set, no nanoseconds")
        return
    with tracing(sockwatch):
        rate(forkrate, ("exec",))
        for runs, ns, name in sorted(spent().values(), key=lambda v: v[2]):
            print(f"processes {name}: {runs} runs, {ns / max(runs, 1):,.0f} ns each")
    set_stats(before)
