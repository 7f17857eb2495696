#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ports that a rule sends elsewhere, and programs that hold a port for others: who names the rule, the target and who is behind."""
import stat

from listing import *  # noqa: F403

LISTEN = """s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print("ready", flush=True); sys.stdin.read()
"""


def run(name, *command):
    out = subprocess.run(["ip", "netns", "exec", name, *command], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, (command, out.stderr)


def nft(name, rules):
    """A ruleset in a namespace; a skip where the kernel takes none at all."""
    out = subprocess.run(["ip", "netns", "exec", name, "nft", "add table ip probe"], capture_output=True, text=True, timeout=60)
    if out.returncode:
        raise Skip("no nftables here: " + out.stderr.strip().splitlines()[0])
    out = subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=rules, capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr


def who(name, what, *more):
    out = sockwatch("who", "--netns", "/run/netns/" + name, what, *more)
    assert out.returncode in (0, 3), out
    return out


def redirects(name, what):
    """The rules as JSON, each as (kind, rule, target, for, conditional)."""
    out = [json.loads(line) for line in who(name, what, "-o", "json").stdout.splitlines()]
    return [(o["kind"], o["rule"], end(o["target"]), end(o.get("for")), o["conditional"]) for o in out if o["event"] == "redirect"]


def end(place):
    return place and (("%s:%d" % (place["addr"], place["port"])) if "addr" in place else ":%d" % place["port"])


def one(name, what, kind, target, dest=None, conditional=False):
    found = redirects(name, what)
    assert len(found) == 1, (what, found)
    assert (found[0][0],) + found[0][2:] == (kind, target, dest, conditional), (what, found)
    return found[0][1]


def none(name, *ports):
    for port in ports:
        assert redirects(name, port) == [], (port, redirects(name, port))
        assert who(name, port).returncode == 3, port


@test
def rules_of_nftables_are_played():
    a = space("a")
    nft(a, """table ip nat {
        map m { type inet_service : ipv4_addr . inet_service; elements = { 77 : 10.1.1.1 . 80 } }
        set odd { type inet_service; flags interval; elements = { 400-410, 500 } }
        chain web { meta l4proto tcp dnat to 10.9.0.3:81; }
        chain pre { type nat hook prerouting priority -100;
            tcp dport 8080 dnat to 10.9.0.2:8080
            tcp dport { 81, 90-95 } redirect to :8000
            meta l4proto tcp dnat ip to tcp dport map @m
            tcp dport @odd jump web
            ip daddr 192.0.2.7 udp dport 53 dnat to 10.9.0.2:5353
            iifname "eth9" tcp dport 600 dnat to 10.9.0.2
            tcp dport != 1-65000 redirect to :1
        }
        chain post { type nat hook postrouting priority 100; tcp dport 700 masquerade; tcp dport 701 snat to 10.0.0.1; }
        chain unused { tcp dport 800 redirect to :1; }
    }
    table ip6 nat { chain pre { type nat hook prerouting priority -100; tcp dport 8080 dnat to [fd00::2]:80; }; }
    table ip filter { chain pre { type filter hook prerouting priority 0; tcp dport 900 accept; tcp dport 901 drop; }; }
    """)
    found = redirects(a, "8080")
    assert sorted(f[2] for f in found) == ["10.9.0.2:8080", "fd00::2:80"], found
    assert "chain pre, handle" in found[0][1], found
    one(a, "81", "redirect", ":8000")
    for port in ("90", "93", "95"):
        one(a, port, "redirect", ":8000")
    one(a, "77", "dnat", "10.1.1.1:80")
    for port in ("400", "410", "500"):
        assert "chain web," in one(a, port, "dnat", "10.9.0.3:81")
    one(a, "udp/53", "dnat", "10.9.0.2:5353", "192.0.2.7:53")
    one(a, "udp/192.0.2.7:53", "dnat", "10.9.0.2:5353")
    one(a, "600", "dnat", "10.9.0.2:0", None, True)
    one(a, "65001", "redirect", ":1")
    none(a, "udp/8080", "82", "89", "96", "399", "411", "501", "700", "701", "800", "900", "901", "udp/192.0.2.8:53", "tcp/53")
    text = who(a, "tcp/8080").stdout
    assert "tcp port 8080: nobody listens; nftables ip nat, chain pre, handle " in text and "to 10.9.0.2:8080" in text, text


@test
def services_by_verdict_maps_lead_to_each_endpoint():
    a = space("b")
    nft(a, """table inet kube {
        map services { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.1 . tcp . 443 : goto web }; }
        chain one { meta l4proto tcp dnat ip to 10.244.0.5:8443; }
        chain two { meta l4proto tcp dnat ip to 10.244.0.6:8443; }
        chain web { numgen random mod 2 vmap { 0 : goto one, 1 : goto two }; }
        chain pre { type nat hook prerouting priority -100; ip daddr . meta l4proto . th dport vmap @services; }
    }""")
    for what in ("443", "tcp/10.96.0.1:443"):
        assert sorted(f[2] for f in redirects(a, what)) == ["10.244.0.5:8443", "10.244.0.6:8443"], redirects(a, what)
    assert {f[3] for f in redirects(a, "443")} == {"10.96.0.1:443"}
    none(a, "10.96.0.2:443", "udp/443", "444")


@test
def rules_of_iptables_nft_are_read():
    a = space("c")
    if subprocess.run(["ip", "netns", "exec", a, "iptables-nft", "-t", "nat", "-N", "DOCKER"], capture_output=True).returncode:
        raise Skip("iptables-nft cannot make a chain here")
    for rule in ("PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "OUTPUT -m addrtype --dst-type LOCAL -j DOCKER",
                 "DOCKER -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.2:80",
                 "DOCKER -p udp -m multiport --dports 53,5300:5310 -j REDIRECT --to-ports 1053",
                 "DOCKER ! -i docker0 -p tcp -m tcp --dport 9091 -j DNAT --to-destination 172.17.0.3"):
        run(a, "iptables-nft", "-t", "nat", "-A", *rule.split())
    one(a, "9090", "dnat", "172.17.0.2:80")
    one(a, "udp/53", "redirect", ":1053")
    one(a, "udp/5305", "redirect", ":1053")
    one(a, "9091", "dnat", "172.17.0.3:0", None, True)
    none(a, "udp/9090", "udp/5311", "tcp/53")
    assert "what arrives and what this host sends" in who(a, "9090").stdout, who(a, "9090").stdout


@test
def rules_of_iptables_legacy_are_read():
    a = space("l")
    if subprocess.run(["ip", "netns", "exec", a, "iptables-legacy", "-t", "nat", "-N", "DOCKER"], capture_output=True).returncode:
        raise Skip("iptables-legacy cannot make a chain here")
    for rule in ("PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
                 "PREROUTING -p tcp -m tcp --dport 9095 -j RETURN",
                 "PREROUTING -p tcp -m tcp --dport 9095 -j REDIRECT --to-ports 1",
                 "PREROUTING -s 192.0.2.0/24 -p tcp --dport 9096 -j ACCEPT",
                 "PREROUTING -p tcp -m tcp --dport 9096:9097 -j REDIRECT --to-ports 2",
                 "PREROUTING -p udp -j DOCKER", "PREROUTING -g DOCKER", "PREROUTING -p tcp -m tcp --dport 9098 -j REDIRECT --to-ports 3",
                 "OUTPUT -d 192.0.2.7/32 -p udp -m udp --dport 5353 -j DNAT --to-destination 10.9.0.2:53",
                 "OUTPUT -p tcp ! -d 192.0.2.0/24 --dport 5354 -j REDIRECT --to-ports 4",
                 "DOCKER -i docker0 -j RETURN",
                 "DOCKER -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.2:80",
                 "DOCKER -p udp -m multiport --dports 53,5300:5310 -j REDIRECT --to-ports 1053",
                 "DOCKER ! -i docker0 -p tcp -m tcp --dport 9091 -j DNAT --to-destination 172.17.0.3"):
        run(a, "iptables-legacy", "-t", "nat", "-A", *rule.split())
    run(a, *"iptables-legacy -t mangle -A PREROUTING -p tcp --dport 9099 -j TPROXY --on-port 15080 --on-ip 127.0.0.1".split())
    assert one(a, "9090", "dnat", "172.17.0.2:80") == "iptables-legacy nat, chain DOCKER, rule 2"
    assert "what arrives and what this host sends" in who(a, "9090").stdout, who(a, "9090").stdout
    one(a, "udp/53", "redirect", ":1053")
    one(a, "udp/5305", "redirect", ":1053")
    one(a, "9091", "dnat", "172.17.0.3:0", None, True)
    assert one(a, "9096", "redirect", ":2") == "iptables-legacy nat, chain PREROUTING, rule 5"
    one(a, "udp/5353", "dnat", "10.9.0.2:53", "192.0.2.7:5353")
    one(a, "udp/192.0.2.7:5353", "dnat", "10.9.0.2:53")
    one(a, "5354", "redirect", ":4", None, True)
    one(a, "127.0.0.1:5354", "redirect", ":4")
    assert one(a, "9099", "tproxy", "127.0.0.1:15080") == "iptables-legacy mangle, chain PREROUTING, rule 1"
    none(a, "udp/9090", "udp/5311", "tcp/53", "9095", "9098", "udp/192.0.2.8:5353", "192.0.2.9:5354")
    if not subprocess.run(["ip", "netns", "exec", a, "ip6tables-legacy", "-t", "nat", "-L"], capture_output=True).returncode:
        run(a, *"ip6tables-legacy -t nat -A PREROUTING -d fd00::7 -p tcp --dport 9092 -j DNAT --to-destination [fd00::2]:80".split())
        run(a, *"ip6tables-legacy -t nat -A PREROUTING -p tcp --dport 9093 -j REDIRECT --to-ports 5".split())
        assert one(a, "9092", "dnat", "fd00::2:80", "fd00::7:9092") == "ip6tables-legacy nat, chain PREROUTING, rule 1"
        one(a, "[fd00::7]:9092", "dnat", "fd00::2:80")
        one(a, "9093", "redirect", ":5")
        none(a, "[fd00::8]:9092", "127.0.0.1:9093")


@test
def tproxy_comes_before_an_unrelated_listener():
    a = space("d")
    nft(a, """table inet t { chain pre { type filter hook prerouting priority -150;
        meta l4proto tcp th dport 80 tproxy ip to 127.0.0.1:15080 accept; }; }""")
    proxy, _ = python(a, LISTEN, "127.0.0.1", "15080")
    other, _ = python(a, LISTEN, "0.0.0.0", "80")
    one(a, "80", "tproxy", "127.0.0.1:15080")
    text = who(a, "80").stdout
    assert "a rule comes before the socket" in text and "behind      python3[%d]" % proxy.pid in text, text
    assert "process     python3[%d]" % other.pid in text, text


@test
def the_process_behind_is_named_in_another_namespace():
    a, b = space("e"), space("f")
    nft(a, "table ip nat { chain pre { type nat hook prerouting priority -100; tcp dport 8080 dnat to 10.9.0.2:80; }; }")
    run(b, "ip", "addr", "add", "10.9.0.2/24", "dev", "lo")
    server, _ = python(b, LISTEN, "10.9.0.2", "80")
    assert json.loads(who(a, "8080", "-o", "json").stdout)["behind"]["pid"] == server.pid
    out = [json.loads(line) for line in sockwatch("who", "tcp/8080", "-o", "json").stdout.splitlines()]
    mine = [o for o in out if o["event"] == "redirect" and o["netns"] == inode(a)]
    assert len(mine) == 1 and mine[0]["behind"]["pid"] == server.pid and mine[0]["netns_name"] == a, out
    text = sockwatch("who", "tcp/8080").stdout
    assert "behind      python3[%d], in network namespace %s" % (server.pid, b) in text, text
    assert "in network namespace %s %d" % (a, inode(a)) in text, text  # no socket is there


def program(name, code):
    """A program by that name: a script's own name is its process' name."""
    path = os.path.join(work, name)
    with open(path, "w") as f:
        f.write("#!%s\nimport os,socket,sys,time\n%s" % (sys.executable, code))
    os.chmod(path, stat.S_IRWXU)
    return path


@test
def docker_proxy_names_the_container():
    a, b = space("g"), space("h")
    run(b, "ip", "addr", "add", "172.17.0.9/16", "dev", "lo")
    server, _ = python(b, LISTEN, "0.0.0.0", "80")
    proxy = start(a, program("docker-proxy", "s = socket.socket(); s.bind(('0.0.0.0', 8088)); s.listen(); print('ready', flush=True); sys.stdin.read()"),
                  "-proto", "tcp", "-host-ip", "0.0.0.0", "-host-port", "8088", "-container-ip", "172.17.0.9", "-container-port", "80",
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first_line("the proxy", proxy, proxy.stdout)
    text = sockwatch("who", "tcp/8088").stdout
    assert "forwards to 172.17.0.9:80" in text and "behind      python3[%d]" % server.pid in text, text


@test
def an_ssh_session_names_its_peer():
    a = space("i")
    if not os.path.exists("/usr/sbin/sshd"):
        raise Skip("no sshd")
    key, host = os.path.join(work, "key"), os.path.join(work, "host")
    for path in (key, host):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    conf = os.path.join(work, "sshd_config")
    with open(conf, "w") as f:
        f.write("Port 2222\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\n"
                "PermitRootLogin yes\nPidFile none\n" % (host, key))
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    start(a, "/usr/sbin/sshd", "-D", "-e", "-f", conf)
    until("sshd", lambda: [s for s in listed("--netns", "/run/netns/" + a) if s.get("state") == "LISTEN"])
    start(a, "ssh", "-N", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes",
          "-i", key, "-p", "2222", "-R", "127.0.0.1:18099:127.0.0.1:1", "root@127.0.0.1")
    until("the forwarding", lambda: who(a, "18099"), lambda out: out.returncode == 0)
    rows = listed("--netns", "/run/netns/" + a, "-D", "2222", "--state", "established")
    text = who(a, "18099").stdout
    assert "the SSH session of 127.0.0.1:%d " % rows[0]["local"]["port"] in text, (text, rows)


@test
def pasta_names_the_process_behind():
    if not shutil.which("pasta"):
        raise Skip("no pasta")
    a, b = space("j"), space("k")
    server, _ = python(b, LISTEN, "0.0.0.0", "18090")
    # It asks for a way out, which it then does not use.
    for words in ("link add d0 type veth peer name d1", "addr add 192.0.2.1/24 dev d0", "link set d0 up", "link set d1 up", "route add default via 192.0.2.254"):
        if subprocess.run(["ip", "-n", a, *words.split()], capture_output=True).returncode:
            raise Skip("ip %s fails here" % words)
    pasta = start(a, "pasta", "-f", "-q", "--runas", "0", "-t", "18090", "--netns", "/run/netns/" + b)
    try:
        until("pasta's port", lambda: who(a, "18090").returncode == 0 or pasta.poll() is not None)
    finally:
        if pasta.poll() is not None:
            raise Skip("pasta ends here: " + tail_of_helpers())
    text = sockwatch("who", "tcp/18090").stdout
    assert "another network namespace, in network namespace %s" % b in text or "behind      python3[%d]" % server.pid in text, text


def tail_of_helpers():
    file = helper_words()
    file.seek(0)
    return (file.read().strip().splitlines() or ["it said nothing"])[-1]


run_tests()
