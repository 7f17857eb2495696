# SPDX-License-Identifier: GPL-2.0-only
"""browser.py: a headless Chromium that is told what to do through a pair of pipes, without any package beside it."""
import base64, json, os, select, shutil, signal, subprocess, tempfile, time

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


class Gone(Exception):
    pass


class Browser:
    """Every page it opens is watched: what it logs, which errors it has, what it asks the network for."""

    def __init__(self):
        self.program = next((p for p in map(shutil.which, PROGRAMS) if p), None)
        if not self.program:
            raise Gone("no Chromium is installed")
        self.profile = tempfile.mkdtemp()
        to_read, self.to_write = os.pipe()
        self.to_read, to_write = os.pipe()

        def take_pipes():
            low, high = os.dup(to_read), os.dup(to_write)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            [self.program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--user-data-dir=" + self.profile, "--remote-debugging-pipe", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.rest, self.number, self.said = b"", 0, []

    def take(self, deadline):
        while b"\0" not in self.rest:
            ready = select.select([self.to_read], [], [], max(0, deadline - time.monotonic()))[0]
            more = os.read(self.to_read, 1 << 20) if ready else b""
            if not more:
                raise Gone("the browser did not answer" if not ready else "the browser ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, seconds=90, **params):
        """The result; what the page said meanwhile is in `said`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        deadline = time.monotonic() + seconds
        while True:
            answer = self.take(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Gone("%s: %s" % (method, answer["error"]["message"]))
                return answer["result"]
            self.said.append(answer)

    def until(self, method, seconds=90):
        deadline = time.monotonic() + seconds
        while not any(m.get("method") == method for m in self.said):
            self.said.append(self.take(deadline))

    def open(self, path, width, media="screen", scheme="light"):
        """A page at a width, loaded; its session."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.said.clear()
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable", session)
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", session, media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Page.navigate", session, url="file://" + os.path.abspath(path))
        self.until("Page.loadEventFired")
        return session

    def ask(self, session, expression):
        answer = self.call("Runtime.evaluate", session, expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Gone(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def complaints(self, path):
        """What went wrong in the page, and what it asked for beside its own file."""
        found = []
        for m in self.said:
            params = m.get("params", {})
            if m.get("method") == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"].get("text", "an exception"))
            elif m.get("method") == "Log.entryAdded":
                found.append(params["entry"].get("text", ""))
            elif m.get("method") == "Runtime.consoleAPICalled":
                found.append("console." + params.get("type", ""))
            elif m.get("method") == "Network.requestWillBeSent" and params["request"]["url"] != "file://" + os.path.abspath(path):
                found.append("asks for " + params["request"]["url"])
        return found

    def picture(self, session, path):
        height = self.ask(session, "document.documentElement.scrollHeight")
        width = self.ask(session, "innerWidth")
        shot = self.call("Page.captureScreenshot", session, captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": width, "height": min(height, 12000), "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def paper(self, session, path):
        pdf = self.call("Page.printToPDF", session, printBackground=True, preferCSSPageSize=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(pdf["data"]))

    def close(self):
        try:
            self.call("Browser.close", seconds=20)
        except (Gone, OSError):
            pass
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
