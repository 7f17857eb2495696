# SPDX-License-Identifier: GPL-2.0-only
"""Each command is held where it prints, by a pipe that is full, and /proc says which rights it has left."""
import ctypes
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import waiting

SOCKWATCH = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp()
STORE = WORK + "/store"
PORT = 4983
PTRACE, DAC_READ_SEARCH, DAC_OVERRIDE, FOWNER = (1 << bit for bit in (19, 2, 1, 3))
NOBODY = 65534
KMSG = "/dev/kmsg"


def report(name, good, why=""):
    print("PASS " + name if good else f"FAIL {name}: {why}", flush=True)


def has_landlock():
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)) > 0


def full_pipe():
    """The ends of a pipe that takes nothing more, and how much is in it."""
    reading, writing = os.pipe()
    size = fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
    os.write(writing, b"\n" * size)
    return reading, writing


def status(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except ProcessLookupError:
        return {}


def held(words, see, **options):
    """Runs it until it has no more to do than to print, lets `see` look at it, then reads all."""
    reading, writing = full_pipe()
    with subprocess.Popen([SOCKWATCH] + words, stdout=writing, stderr=subprocess.PIPE, text=True, **options) as process:
        os.close(writing)
        try:
            seen = waiting.until("its filter", lambda: status(process.pid), lambda s: s.get("Seccomp") == "2" or not s or s["State"][0] == "Z")
            see(process.pid, seen)
        finally:
            with open(reading, "rb") as pipe:
                text = pipe.read().decode().lstrip("\n")
            said = process.stderr.read()
    return process.returncode, text, said


def dropped(keep):
    def see(pid, seen):
        caps = {name: int(seen.get(name, "-1"), 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")}
        see.result = (caps["CapEff"] == caps["CapPrm"] == keep and not caps["CapInh"] and not caps["CapAmb"] and not caps["CapBnd"] and
                      seen.get("NoNewPrivs") == "1" and seen.get("Seccomp") == "2" and
                      os.stat(f"/proc/{pid}/environ").st_uid == 0)
        see.why = f"{caps} {seen.get('NoNewPrivs')} {seen.get('Seccomp')}"
    see.result, see.why = False, "it was never held"
    return see


def refused():
    """Calls that the filter refused so far, by the kernel's log; None where there is none to be read."""
    try:
        fd = os.open(KMSG, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    found = []
    try:
        while True:
            line = os.read(fd, 8192).decode(errors="replace")
            if "type=1326" in line and SOCKWATCH in line:
                found.append(line.split("\n")[0][-200:])
    except BlockingIOError:
        pass
    except OSError:
        return None
    finally:
        os.close(fd)
    return found


COMMANDS = (
    (["ls"], 0), (["ls", "-o", "json"], 0), (["ls", "-r", "--services"], 0), (["ls", "--store", STORE], 0),
    (["who", str(PORT), "-o", "json"], 0), (["who", str(PORT)], PTRACE | DAC_READ_SEARCH), (["ephemeral", "--netns", "self", "-o", "json"], 0),
    (["history", "--store", STORE], 0), (["history", "--store", STORE, "--local-port", str(PORT), "--events", "bind", "-o", "json", "--follow", "--since", "-1h", "--count", "1"], 0),
    (["report", "--store", STORE], 0), (["report", "--store", STORE, "-o", "html"], 0),
)


def each_command():
    before = refused()
    for words, keep in COMMANDS:
        name = " ".join(words).replace(STORE, "STORE").replace(str(PORT), "PORT")
        see = dropped(keep)
        code, text, said = held(words, see)
        report(f"gives_away: {name}", see.result, see.why)
        report(f"and_still_does_it: {name}", code == 0 and str(PORT) in text, f"{code} {said} {text[:300]}")
        if has_landlock():
            code, text, said = held(words + ["--strict"], lambda pid, seen: None)
            report(f"strict: {name}", code == 0 and str(PORT) in text, f"{code} {said}")
        else:
            ended = subprocess.run([SOCKWATCH] + words + ["--strict"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            report(f"strict_refuses: {name}", ended.returncode == 1 and ended.stderr.count("\n") == 1 and not ended.stdout, f"{ended.returncode} {ended.stderr}")
    after = refused()
    if before is None or after is None:
        print("SKIP nothing_needed_is_refused: the kernel's log cannot be read")
    else:
        new = [line for line in after if line not in before]
        report("nothing_needed_is_refused", not new, new[:3])


def output_of_another_user():
    """What was opened with rights is put in its place with them, in one place only."""
    home = WORK + "/home"
    os.mkdir(home, 0o755)
    os.chown(home, NOBODY, NOBODY)
    for words in (["ls"], ["who", str(PORT)], ["ephemeral", "--netns", "self"], ["history", "--store", STORE], ["report", "--store", STORE]):
        ended = subprocess.run([SOCKWATCH] + words + ["--output", home + "/report"], stderr=subprocess.PIPE, text=True, check=False)
        text = open(home + "/report").read() if os.path.exists(home + "/report") else ""
        report(f"output_in_anothers_directory: {words[0]}", ended.returncode == 0 and str(PORT) in text and os.listdir(home) == ["report"],
               f"{ended.returncode} {ended.stderr} {os.listdir(home)}")
        if text:
            os.unlink(home + "/report")


def history_of_anothers_store():
    """root reads what is sockwatch's, and anybody what he may read."""
    place = WORK + "/theirs"
    shutil.copytree(WORK + "/ours", place)
    for name in ("", "/store"):
        os.chown(place + name, NOBODY, NOBODY)
    os.chmod(place, 0o700)
    for name, command in (("root", []), ("its_owner", ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"])):
        ended = subprocess.run(command + [WORK + "/program", "history", "--store", place + "/store"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, check=False)
        report(f"history_of_anothers_store: {name}", ended.returncode == 0 and str(PORT) in ended.stdout, f"{ended.returncode} {ended.stderr}")
        strangers = [file for file in os.listdir(place) if os.stat(f"{place}/{file}").st_uid != NOBODY]
        report(f"and_all_beside_it_stays_theirs: {name}", not strangers and len(os.listdir(place)) > 1, strangers)


def leave_time_wait():
    """Of this process, which lives on; its port."""
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        served = listener.accept()[0]
        port = client.getsockname()[1]
        client.shutdown(socket.SHUT_RDWR)
        served.close()
    return port


def hidden_processes():
    """Who left a socket and lives has not ended where /proc hides him, from the group of root, too."""
    port = leave_time_wait()
    listing = f"{SOCKWATCH} ls -q -o json --netns self --state time-wait -L {port}"
    for name, mount in (("seen", ""), ("hidden", "mount -t proc -o hidepid=2,gid=4242 proc /proc && ")):
        ended = subprocess.run(["unshare", "-m", "sh", "-c", mount + "true"], stderr=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            print(f"SKIP time_wait_of_the_living: {name}: {ended.stderr.strip()}")
            continue
        # A recorder that is busy does not answer in time.
        said = waiting.until("who left the socket", lambda run=mount + listing: subprocess.run(
            ["unshare", "-m", "sh", "-c", run], stdout=subprocess.PIPE, text=True, check=False).stdout, lambda text: f'"pid":{os.getpid()},' in text)
        report(f"time_wait_of_the_living: {name}", '"ended":true' not in said, said)


def ask_recorder():
    with socket.socket() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", PORT))
        listener.listen()
        client.connect(("127.0.0.1", PORT))
        waiting.until("the listener in the record", lambda: subprocess.run(
            [SOCKWATCH, "history", "--store", STORE, "--port", str(PORT), "-q"], stdout=subprocess.DEVNULL, check=False).returncode, lambda code: code == 0)
        each_command()
        output_of_another_user()
        hidden_processes()


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.chmod(WORK, 0o755)
    shutil.copy2(SOCKWATCH, WORK + "/program")
    with subprocess.Popen([SOCKWATCH, "record", "--store", STORE], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as recorder:
        try:
            waiting.first_line("the record", recorder, recorder.stderr, "sockwatch: tracing")
            ask_recorder()
        finally:
            recorder.terminate()
            recorder.communicate()
    os.mkdir(WORK + "/ours")
    shutil.copy2(STORE, WORK + "/ours/store")
    history_of_anothers_store()


try:
    main()
except waiting.Vain as vain:
    report("confine", False, vain)
finally:
    shutil.rmtree(WORK, ignore_errors=True)
