# SPDX-License-Identifier: GPL-2.0-only
"""Faults on the way, servers that are killed and senders that are killed: each row of each host arrives once."""
import os
import time

import hosts
import load
import proxy
import rig
from suite import check, main, make_stores, needs, same, sockwatch, wait_for

LIVES = int(os.environ.get("FLEET_LIVES", "20000"))
HOSTS = 20
FAULTS = 200 if LIVES >= 1000000 else 40
ROWS = max(100, LIVES // HOSTS // 50)


def run(directory, server, old):
    stores = [made[0] for made in make_stores(directory / "stores", HOSTS, LIVES // HOSTS)]
    between = proxy.Proxy(server.port, rate=0.25, faults=FAULTS, old=old, seed=7)
    url, began = f"http://127.0.0.1:{between.port}/sockwatch", time.monotonic()
    senders = [hosts.Host(store, f"host-{i:02}", url, "--rows", str(ROWS)).start() for i, store in enumerate(stores)]
    trouble = hosts.Trouble(senders, 3, 0.3 if LIVES < 1000000 else 0.5, server, 6, pause=2)
    trouble.start()
    try:
        wait_for(f"{FAULTS} faults", lambda: between.state()["faults"] >= FAULTS or not trouble.is_alive(), 1800)
        wait_for("servers that were killed", lambda: trouble.servers >= 2 or not trouble.is_alive())
    finally:
        trouble.stop()
        for sender in senders:
            sender.stop()
    for sender in senders:
        sender.finish()
    took, state = time.monotonic() - began, between.state()
    more = hosts.assert_all_once(server, stores, old)
    lives = int(server.value("SELECT count() FROM sockwatch.life FINAL"))
    same(lives, LIVES // HOSTS * HOSTS, "lives")
    check(sum(sender.kills for sender in senders) > 0, "no sender was killed")
    print(f"# {lives} lives of {HOSTS} hosts in {took:.0f} s: {state['inserts']} inserts, {state['faults']} faults {state['kinds']}, "
          f"{sum(sender.kills for sender in senders)} senders killed, {trouble.servers} servers killed, {trouble.pauses} stopped for a while; "
          f"{more} rows more before they are merged", flush=True)
    between.close()
    return more


@needs("chdb")
def test_current_server(directory):
    with rig.Current(directory / "server") as server:
        load.make(server)
        same(run(directory, server, False), 0, "rows that only FINAL takes away, where the server knows tokens")


@needs("clickhouse")
def test_server_of_2018(directory):
    with rig.Old(directory / "server") as server:
        server.script(load.reduced(sockwatch("schema", "clickhouse")))
        run(directory, server, True)


main("faults", dict(globals()))
