# SPDX-License-Identifier: GPL-2.0-only
"""frees.py SOCKWATCH: the command with which `who` ends, of a process in a cgroup as a runtime names it, with the file that the runtime
keeps of its container; in a mount namespace of its own, where /var holds nothing else."""
import contextlib, http.server, shlex, socketserver, threading
from listing import *  # noqa: F403

ID = "%064x" % (0xabcdef << 200 | os.getpid())
UID = "12345678-9abc-4def-8123-%012x" % os.getpid()
HOLDER = """
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[2]))); s.listen()
print("ready", flush=True); signal.pause()"""
# Of each runtime: the cgroup, the file and what is in it, how the port is freed and by which words.
CASES = {
    "docker": ("docker-%s.scope" % ID, "/var/lib/docker/containers/%s/config.v2.json" % ID,
               {"State": {"Running": True}, "ID": ID, "Name": "/sw-web", "Config": {"Hostname": "x", "Name": "no"}},
               "stop-container", "docker stop sw-web"),
    "docker-cgroupfs": ("docker/%s" % ID, "/var/lib/docker/containers/%s/config.v2.json" % ID, {"Name": "/sw_web.1"},
                        "stop-container", "docker stop sw_web.1"),
    "docker-nameless": ("docker-%s.scope" % ID, None, None, "stop-container", "docker stop " + ID),
    "podman": ("machine.slice/libpod-%s.scope/container" % ID, "/var/lib/containers/storage/overlay-containers/containers.json",
               [{"id": "0" * 64, "names": ["other"]}, {"id": ID, "names": ["sw-pod", "more"], "layer": "1"}],
               "stop-container", "podman stop sw-pod"),
    "lxc": ("lxc.payload.sw-%d" % os.getpid(), None, None, "stop-container", "lxc-stop -n sw-%d" % os.getpid()),
    "kubernetes": ("kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice/cri-containerd-%s.scope" %
                   (UID.replace("-", "_"), ID), "/var/log/pods/prod_sw-web-0_%s/web/0.log" % UID, "",
                   "delete-pod", "kubectl delete pod -n prod sw-web-0"),
    # A user's own runtime, which root's client does not ask.
    "podman-rootless": ("user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope" % ID, None, None, "kill", "kill PID"),
    "docker-rootless": ("user.slice/user-1000.slice/user@1000.service/app.slice/docker-%s.scope" % ID, None, None, "kill", "kill PID"),
    # One in a container is not the host's runtime's.
    "docker-in-docker": ("docker-%s.scope/docker/%s" % ("0" * 64, ID), None, None, "kill", "kill PID"),
    "docker-in-lxc": ("lxc.payload.sw-%d/system.slice/docker-%s.scope" % (os.getpid(), ID), None, None, "kill", "kill PID"),
    # No command is known of what runs there.
    "containerd": ("cri-containerd-%s.scope" % ID, None, None, "kill", "kill PID"),
    "kubernetes-nameless": ("kubepods/burstable/pod%s/%s" % (UID, ID), None, None, "kill", "kill PID"),
}


def make_cgroup(place, made):
    if os.path.isdir(place):
        return
    try:
        os.mkdir(place)
    except OSError as error:
        raise Skip("cgroups cannot be made: %s" % error)
    made.append(place)


@contextlib.contextmanager
def holder(name, cgroup, port):
    """A process that has a port, in a cgroup that goes with it."""
    place, made, process = cgroup_root(), [], None
    try:
        for part in cgroup.split("/"):
            place = os.path.join(place, part)
            make_cgroup(place, made)
        process, _ = python(name, HOLDER, place, str(port))
        yield process
    finally:
        if process:
            process.kill()
            process.wait(timeout=DEADLINE)
        for place in reversed(made):
            until("the end of a cgroup", lambda: gone(place))


def who(name, port, path, content, *more):
    """`who`, where /var has nothing but that file."""
    script, files = "mount -t tmpfs none /var && ", []
    if path:
        text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
        files = [write("file", text), path]
        script += 'mkdir -p "$(dirname "$2")" && cp "$1" "$2" && shift 2 && '
    result = subprocess.run(["unshare", "-m", "sh", "-c", script + 'exec "$@"', "sh", *files, SOCKWATCH, "who", "127.0.0.1:%d" % port,
                             "--netns", "/run/netns/" + name, *more], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, (result, path)
    return result.stdout


@test
def each_runtime_has_its_command():
    name = space("runtimes")
    for port, (runtime, (cgroup, path, content, how, command)) in enumerate(CASES.items(), 4200):
        with holder(name, cgroup, port) as process:
            command = command.replace("PID", str(process.pid))
            row, = map(json.loads, who(name, port, path, content, "-o", "json").splitlines())
            assert row["frees"] == {"how": how, "command": command}, (runtime, row["frees"], row["process"])
            text = who(name, port, path, content)
            assert text.splitlines()[-1] == "  freed by    " + command, (runtime, text)


class Daemon(socketserver.ThreadingUnixStreamServer):
    """What Docker's client talks to: it knows one container, and ends its process."""
    daemon_threads = True
    container, pid, asked = "", 0, []

    class RequestHandlerClass(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, code, body=b""):
            self.send_response(code)
            self.send_header("Api-Version", "1.41")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        def do_GET(self):
            self.answer(200 if self.path.endswith("/_ping") else 404, b"OK")

        do_HEAD = do_GET

        def do_POST(self):
            self.server.asked.append(self.path)
            found = re.fullmatch(r"(?:/v[\d.]+)?/containers/%s/stop(?:\?.*)?" % re.escape(self.server.container), self.path)
            if found:
                os.kill(self.server.pid, signal.SIGKILL)
            self.answer(204 if found else 404)

        def log_message(self, *_):
            pass

        def address_string(self):
            return "-"

    def __init__(self, path):
        super().__init__(path, self.RequestHandlerClass)


@test
def dockers_own_client_frees_it():
    need("docker")
    name, (cgroup, path, content, _, _) = space("docker"), CASES["docker"]
    with holder(name, cgroup, 4300) as process, Daemon(os.path.join(work, "docker.sock")) as daemon:
        daemon.container, daemon.pid = "sw-web", process.pid
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        command = who(name, 4300, path, content).splitlines()[-1].removeprefix("  freed by    ")
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "DOCKER_HOST": "unix://" + os.path.join(work, "docker.sock"), "HOME": work})
        daemon.shutdown()
        assert done.returncode == 0 and shlex.split(command)[0] == "docker", (command, done, daemon.asked)
        until("a free port", lambda: sockwatch("who", "127.0.0.1:4300", "--netns", "/run/netns/" + name), lambda r: r.returncode == 3)


run_tests()
