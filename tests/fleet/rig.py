# SPDX-License-Identifier: GPL-2.0-only
"""Servers of a fleet's database for tests: a current one (libchdb behind server.js) and Debian's of 2018, each a process of the
test's own on a loopback port of its own, with its data in a directory of the test's own.

    with rig.Current(directory) as server:          # or rig.Old(directory)
        server.query("CREATE DATABASE fleet")
        rows = server.rows("SELECT a, b FROM fleet.t WHERE a = {a:UInt64}", a=7)

rig.missing("chdb") or rig.missing("clickhouse") is why there is none, or None. A server that is killed is started again by
start(), with the same data and port.
"""
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("BUILD", "build")).resolve()
FLEET = BUILD / "fleet"
PATIENCE = 120  # seconds for what takes one on an idle machine


def missing(what):
    if what == "chdb":
        arch = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "none")
        library = FLEET / "chdb/node_modules/@chdb" / f"lib-linux-{arch}-gnu" / "libchdb.so"
        if not library.exists():
            return "no libchdb here: make deps-fleet"
        if subprocess.run(["node", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            return "no node here: make deps-fleet"
        return None
    return None if (FLEET / "clickhouse/usr/sbin/clickhouse-server").exists() else "no clickhouse-server here: make deps-fleet"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Failed(Exception):
    def __init__(self, status, code, text):
        super().__init__(f"HTTP {status}, code {code}: {text}")
        self.status, self.code, self.text = status, code, text


class Crashed(Exception):
    """The server itself, which nobody killed: no fault of what is tested."""


class Server:
    """What both kinds have in common."""

    def __init__(self, directory, user="default", password="", preexec=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.user, self.password, self.preexec = user, password, preexec
        self.port, self.process, self.scheme, self.ca = free_port(), None, "http", None
        self.killed = False  # by the test

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def start(self):
        self.killed = False
        self.process = self.launch()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {self.words()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
                self.query("SELECT 1")
                return self
            except (OSError, Failed) as error:
                why = error
            time.sleep(0.05)
        raise RuntimeError(f"the server answers nothing after {PATIENCE} s: {why}; {self.words()}")

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process = None

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait()
        self.process = None

    def words(self):
        for name in ("err.log", "words"):
            file = self.directory / name
            if file.exists() and file.stat().st_size:
                return file.read_text(errors="replace")[-2500:]
        return "it said nothing"

    def query(self, sql, data=None, database=None, settings=None, **params):
        """What the server answers, as text. With data, sql goes into the URL."""
        fields = dict(settings or {})
        fields.update({f"param_{name}": str(value) for name, value in params.items()})
        if database:
            fields["database"] = database
        body = sql.encode()
        if data is not None:
            fields["query"] = sql
            body = data if isinstance(data, bytes) else data.encode()
        request = urllib.request.Request(f"{self.url}/?{urllib.parse.urlencode(fields)}", data=body, method="POST")
        request.add_header("X-ClickHouse-User", self.user)
        if self.password:
            request.add_header("X-ClickHouse-Key", self.password)
        context = None
        if self.scheme == "https":
            import ssl
            context = ssl.create_default_context(cafile=self.ca)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({}), *(
                    [urllib.request.HTTPSHandler(context=context)] if context else [])).open(request, timeout=PATIENCE) as answer:
                return answer.read().decode(errors="surrogateescape")
        except urllib.error.HTTPError as error:
            raise Failed(error.code, int(error.headers.get("X-ClickHouse-Exception-Code") or 0),
                         error.read().decode(errors="replace").strip()) from None
        except OSError as error:
            # Of a crash the socket tells before the process is gone.
            try:
                ended = self.process.wait(2) if self.process else None
            except subprocess.TimeoutExpired:
                ended = None
            if ended is not None and ended < 0 and not self.killed:
                raise Crashed(f"the server ended by signal {-ended}: {self.words()}") from error
            raise

    def script(self, sql, **more):
        """Statements that end with ';' at the end of a line."""
        for statement in sql.replace(";\n", "\0").split("\0"):
            lines = [line for line in statement.splitlines() if line.strip() and not line.startswith("--")]
            if lines:
                self.query("\n".join(lines), **more)

    def rows(self, sql, **more):
        text = self.query(sql, **more)
        return [tuple(line.split("\t")) for line in text.splitlines()]

    def value(self, sql, **more):
        return self.query(sql, **more).strip()


class Current(Server):
    def __init__(self, directory, tls=None, parallel=False, **more):
        super().__init__(directory, **more)
        self.tls, self.parallel = tls, parallel  # (key, certificate, ca)
        if tls:
            self.scheme, self.ca = "https", str(tls[2])
        self.log = self.directory / "requests"

    def launch(self):
        (self.directory / "data").mkdir(exist_ok=True)
        command = ["node", str(HERE / "server.js"), "--modules", str(FLEET / "chdb"), "--path", str(self.directory / "data"),
                   "--port", str(self.port), "--user", self.user, "--password", self.password, "--log", str(self.log)]
        if self.parallel:
            command += ["--parallel", "1"]
        if self.tls:
            command += ["--tls-key", str(self.tls[0]), "--tls-cert", str(self.tls[1])]
        with open(self.directory / "words", "ab") as words:
            # It knows zones by name only.
            return subprocess.Popen(command, env=dict(os.environ, TZ="UTC"), stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                                    preexec_fn=self.preexec)

    def requests(self):
        """Of each request time, status, ms, rows, bytes, packed, query, params."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


CONFIG = """<?xml version="1.0"?>
<yandex>
  <logger><level>warning</level><log>{dir}/log</log><errorlog>{dir}/err.log</errorlog></logger>
  <http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <max_connections>64</max_connections><keep_alive_timeout>10</keep_alive_timeout>
  <mark_cache_size>67108864</mark_cache_size><uncompressed_cache_size>0</uncompressed_cache_size>
  <path>{data}/</path><tmp_path>{data}/tmp/</tmp_path><user_files_path>{data}/files/</user_files_path>
  <users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
  <timezone>UTC</timezone>
</yandex>
"""
USERS = """<?xml version="1.0"?>
<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage>{settings}</default></profiles>
  <users><{user}><password>{password}</password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></{user}></users>
  <quotas><default></default></quotas>
</yandex>
"""


class Old(Server):
    """Debian's 18.16. Its data may lie elsewhere, as on a small tmpfs."""

    def __init__(self, directory, data=None, settings="", **more):
        super().__init__(directory, **more)
        self.data, self.settings, self.tcp = pathlib.Path(data or self.directory / "data"), settings, free_port()

    def launch(self):
        self.data.mkdir(exist_ok=True)
        (self.directory / "config.xml").write_text(CONFIG.format(dir=self.directory, data=self.data, port=self.port, tcp=self.tcp))
        (self.directory / "users.xml").write_text(USERS.format(user=self.user, password=self.password, settings=self.settings))
        root = FLEET / "clickhouse"
        libs = ":".join(str(path) for path in root.glob("usr/lib/*-linux-gnu"))
        with open(self.directory / "words", "ab") as words:
            return subprocess.Popen([str(root / "usr/sbin/clickhouse-server"), f"--config-file={self.directory}/config.xml"],
                                    env=dict(os.environ, LD_LIBRARY_PATH=libs, TZ="UTC"), cwd=self.directory, stdin=subprocess.DEVNULL,
                                    stdout=words, stderr=words, preexec_fn=self.preexec)
