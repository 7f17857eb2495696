# SPDX-License-Identifier: GPL-2.0-only
"""A sender and real servers, one of today and one of 2018: each row is there once whatever becomes of them, and what is said helps."""
import os
import signal
import subprocess
import time

import hosts
import load
import rig
from suite import Skip, check, complaint, main, make_stores, needs, same, sockwatch, wait_for

LIVES = 30000


def make(server):
    if isinstance(server, rig.Old):
        server.script(load.reduced(sockwatch("schema", "clickhouse")))
    else:
        load.make(server)


def store_of(directory, lives=LIVES):
    return make_stores(directory / "stores", 1, lives)[0][0]


def words(server, store, directory, *more, code=1, user=None, password=None):
    """What one run of --once says, but for where it sends and how much it has sent."""
    options = ["--as", user or server.user]
    if password or server.password:
        (directory / "password").write_text((password or server.password) + "\n")
        options += ["--password-file", directory / "password"]
    said = complaint("ship", "--store", store, "--to", server.url, "--once", *options, *more, code=code)
    usual = ("sockwatch: sending ", "rows sent so far", "is older than the settings")
    return [line for line in said.splitlines() if not any(part in line for part in usual)]


def one_line(lines, part):
    same(len(lines), 1, f"lines: {lines}")
    check(part in lines[0], part, "is not in", lines[0])


def refusals(directory, server):
    """A password, a database, a table: one clear line each, then it works, and everything is there once."""
    store = store_of(directory, 2000)
    one_line(words(server, store, directory, user="nobody"), "does not let user 'nobody' in")
    one_line(words(server, store, directory, password="wrong"), f"does not let user '{server.user}' in")
    one_line(words(server, store, directory), "there is no database 'sockwatch'")
    server.query("CREATE DATABASE sockwatch")
    one_line(words(server, store, directory), "there is no table sockwatch.life")
    make(server)
    same(words(server, store, directory, code=0), [], "lines")
    hosts.assert_all_once(server, [store], isinstance(server, rig.Old))


@needs("chdb")
def test_refusals_of_today(directory):
    with rig.Current(directory / "server", user="w", password="p w'\\") as server:
        refusals(directory, server)


@needs("clickhouse")
def test_refusals_of_2018(directory):
    with rig.Old(directory / "server", user="w", password="pw") as server:
        refusals(directory, server)


def killed_and_stopped(directory, server):
    """The server is killed in the middle of inserts, and stands still for longer than a sender waits for a byte... a little."""
    make(server)
    store = store_of(directory)
    sender = hosts.Host(store, "host", server.url, "--rows", "500").start()
    old, kills = isinstance(server, rig.Old), 0
    try:
        while kills < 6:
            before = int(server.value("SELECT count() FROM sockwatch.life"))
            if before >= LIVES:
                break
            wait_for("more rows", lambda: int(server.value("SELECT count() FROM sockwatch.life")) > before or sender.process.poll() is not None)
            server.kill()
            kills += 1
            server.start()
        check(kills >= 3, "it was over after", kills)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        server.process.send_signal(signal.SIGCONT)
    finally:
        sender.stop()
    sender.finish()
    hosts.assert_all_once(server, [store], old)


@needs("chdb")
def test_killed_server_of_today(directory):
    with rig.Current(directory / "server") as server:
        killed_and_stopped(directory, server)


@needs("clickhouse")
def test_killed_server_of_2018(directory):
    with rig.Old(directory / "server") as server:
        killed_and_stopped(directory, server)


@needs("clickhouse")
def test_full_disk_of_a_server(directory):
    """It refuses for want of room, the sender waits, and once there is room all of it arrives."""
    place = directory / "small"
    place.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", place], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip("no tmpfs can be mounted here")
    try:
        with rig.Old(directory / "server", data=place / "data") as server:
            make(server)
            store = store_of(directory)
            with open(place / "filler", "wb", buffering=0) as filler:
                try:
                    while filler.write(bytes(65536)):
                        pass
                except OSError:
                    pass
            sender = hosts.Host(store, "host", server.url, "--rows", "5000").start()
            wait_for("a refusal for want of room", lambda: "space" in sender.said())
            (place / "filler").unlink()
            subprocess.run(["mount", "-o", "remount,size=400m", place], check=True)
            wait_for("all rows", lambda: int(server.value("SELECT count() FROM sockwatch.life FINAL")) == LIVES, 200)
            sender.stop()
            sender.finish()
            hosts.assert_all_once(server, [store], True)
    finally:
        subprocess.run(["umount", "-l", place], check=False)


@needs("chdb")
def test_tls_and_a_name(directory):
    run = lambda *args: subprocess.run(args, check=True, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: E731
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=db")
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    run("openssl", "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-extfile", "names",
        "-days", "2")
    with rig.Current(directory / "server", tls=(directory / "key.pem", directory / "cert.pem", directory / "ca.pem"), user="w", password="p") as server:
        make(server)
        store = store_of(directory, 1000)
        one_line(words(server, store, directory), "is not trusted")
        (directory / "password").write_text("p")
        sockwatch("ship", "--store", store, "--to", f"https://localhost:{server.port}", "--as", "w", "--password-file", directory / "password",
                  "--ca", directory / "ca.pem", "--once")
        hosts.assert_all_once(server, [store])


@needs("chdb")
def test_two_stores_of_one_host(directory):
    """A store that is begun anew, and an image that was cloned, are told apart; the same host renamed is, too."""
    with rig.Current(directory / "server") as server:
        make(server)
        stores = [made[0] for made in make_stores(directory / "stores", 2, 1000)]
        for store, name in ((stores[0], "a"), (stores[1], "a")):
            sockwatch("ship", "--store", store, "--to", server.url, "--host", name, "--once")
        hosts.assert_all_once(server, stores)
        same(server.value("SELECT uniqExact(store), uniqExact(host) FROM sockwatch.life FORMAT CSV"), "2,1", "stores and hosts")
        # The cursor is gone: all of it is sent again, and each row is one still.
        for name in ("-ship", "-ship-wal", "-ship-shm"):
            os.unlink(stores[0] + name)
        sockwatch("ship", "--store", stores[0], "--to", server.url, "--host", "a", "--once", "--rows", "77")
        hosts.assert_all_once(server, stores)


main("ship", dict(globals()))
