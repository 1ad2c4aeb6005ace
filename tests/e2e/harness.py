# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests have in common.

A test file holds functions marked @test("a sentence that is true"). Each gets a
Scope: whatever is started through it, or deferred to it, is ended when the
function is, also when it fails, latest first. main() runs them and prints TAP.

Each file works in a network namespace (and, where it asks for one, a mount
namespace) of its own, so that files run side by side, ports are free, numbers
are exact and the kernel cleans up.

SOCKWATCHD and SOCKWATCH name the binaries; meson sets them.
"""

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("SOCKWATCH_BUILD", os.path.join(ROOT, "build-e2e"))
SOCKWATCHD = os.environ.get("SOCKWATCHD", os.path.join(BUILD, "daemon", "sockwatchd"))
SOCKWATCH = os.environ.get("SOCKWATCH", os.path.join(BUILD, "cli", "sockwatch"))

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HEADER, SEGMENT = 4096, 512 * 1024  # of a ring file
RING_BYTES_MIN = HEADER + 4 * SEGMENT

STATES = [
    "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2", "time_wait",
    "close", "close_wait", "last_ack", "listen", "closing",
]

libc = ctypes.CDLL(None, use_errno=True)


# ---- running tests ----

class Skip(Exception):
    """Raised where something cannot run here; says why."""


class Scope(contextlib.ExitStack):
    """What one test holds; see ExitStack.callback() and enter_context()."""

    def folder(self):
        """A folder that every user may enter."""
        path = tempfile.mkdtemp(prefix="sockwatch-e2e-")
        os.chmod(path, 0o755)
        self.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    def daemon(self, *flags, **options):
        """A daemon that serves; see Daemon."""
        daemon = Daemon(self, *flags, **options)
        self.callback(daemon.kill)
        daemon.wait_served()
        return daemon

    def process(self, command, **options):
        process = subprocess.Popen(command, preexec_fn=die_with_parent, **options)
        self.callback(end_process, process)
        return process


_tests = []


def test(sentence):
    def add(function):
        _tests.append((sentence, function))
        return function

    return add


def comment(text):
    for line in str(text).splitlines():
        print("# " + line[:2000], flush=True)


def main(prepare=None):
    """Runs all tests, or those whose sentence holds a word of the command line."""
    wanted = [t for t in _tests if not sys.argv[1:] or any(word in t[0] for word in sys.argv[1:])]
    n_failed = 0

    # As a test is told to end by meson: unwind, so that everything is cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    try:
        if prepare:
            prepare()
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
        sys.exit(0)
    except Exception:
        comment(traceback.format_exc())
        print("Bail out! What the tests need could not be prepared")
        sys.exit(1)

    print(f"1..{len(wanted)}", flush=True)
    for number, (sentence, function) in enumerate(wanted, 1):
        begin = time.monotonic()
        result, directive = "ok", ""
        try:
            with Scope() as scope:
                function(scope)
        except Skip as reason:
            directive = f" # SKIP {reason}"
        except Exception:
            comment(traceback.format_exc())
            result = "not ok"
            n_failed += 1
        print(f"{result} {number} - {sentence}{directive}", flush=True)
        comment(f"took {time.monotonic() - begin:.1f} s")

    sys.exit(1 if n_failed else 0)


def await_(what, condition, seconds=15, every=0.02):
    """Returns the first truth of condition(); fails after that many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last: {result!r}")
        time.sleep(every)


def equal(actual, expected, what=""):
    assert actual == expected, f"{what}: {actual!r} is not {expected!r}"


def matches(pattern, text, what=""):
    found = re.search(pattern, text, re.M)
    assert found, f"{what}: nothing like {pattern!r} in:\n{text}"
    return found


# ---- namespaces ----

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18


def _unshare(flags):
    if libc.unshare(flags) < 0:
        raise Skip(f"no namespaces here: {os.strerror(ctypes.get_errno())}")


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh22x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(s, 0x8914, request)  # SIOCSIFFLAGS


def own_network():
    """Puts this process, and what it starts, into a network namespace of its own."""
    if IS_ROOT:
        _unshare(CLONE_NEWNET)
    else:
        uid, gid = os.geteuid(), os.getegid()
        _unshare(CLONE_NEWUSER | CLONE_NEWNET)
        for name, text in [("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")]:
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
    loopback_up()


def own_mounts():
    """The same for mounts; they go away with this process."""
    _unshare(CLONE_NEWNS)
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) < 0:
        raise Skip(f"mounts cannot be made private: {os.strerror(ctypes.get_errno())}")


IS_ROOT = os.geteuid() == 0  # of this host; in a user namespace of ours everybody is


def need_root():
    if not IS_ROOT:
        raise Skip("needs root")


def need_program(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"needs {name}, which is not installed")
    return path


# ---- processes ----

PR_SET_PDEATHSIG = 1


def die_with_parent():
    """For preexec_fn: nothing outlives a test, however that ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_process(process, seconds=5):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def clean_environment(**extra):
    """Ours, without what systemd or meson may have put in, and with English messages.

    MALLOC_PERTURB_, of meson, makes a program write to all memory that it asks for, and the daemon asks for much that it
    never uses: it would be half a second late with its first sample. Unit tests have it.
    """
    dropped = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID",
               "JOURNAL_STREAM", "RUNTIME_DIRECTORY", "MALLOC_PERTURB_"}
    environment = {k: v for k, v in os.environ.items() if k not in dropped}
    environment["LC_ALL"] = "C.UTF-8"
    environment.update(extra)
    return environment


def run(command, seconds=30, **options):
    """A command to its end, as text."""
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds,
                          env=options.pop("env", None) or clean_environment(), **options)


def sockwatch(*arguments, **options):
    return run([SOCKWATCH, *arguments], **options)


def history(ring, since="@0"):
    """All samples that `sockwatch history` shows, and the finished command."""
    result = sockwatch("history", "--json", f"--ring.file={ring}", f"--since={since}")
    return json.loads(result.stdout) if result.stdout else [], result


class Daemon:
    """sockwatchd as it is run, on a port of its own choice, with its log in a file."""

    def __init__(self, scope, *flags, ring=None, ring_bytes=RING_BYTES_MIN, interval=None, listen="127.0.0.1:0",
                 wrapper=(), env=None, binary=None, preexec=die_with_parent, pass_fds=(), walks_always=False):
        self.folder = scope.folder() if ring is None else os.path.dirname(ring)
        self.ring = ring or os.path.join(self.folder, "ring")
        fd, self.log_path = tempfile.mkstemp(prefix="sockwatch-e2e-log-")
        scope.callback(os.unlink, self.log_path)

        command = [*wrapper, binary or SOCKWATCHD]
        if walks_always:
            # However many sockets the host has, each sample has its walk, so that what is in it is of one moment.
            path = os.path.join(scope.folder(), "walks.yaml")
            with open(path, "w") as file:
                file.write("walks: {budget: 100%}\n")
            command.append(f"--config.file={path}")
        if listen:
            command.append(f"--web.listen-address={listen}")
        command += [f"--ring.file={self.ring}", f"--ring.size={ring_bytes}"]
        if interval:
            command.append(f"--sampling.interval={interval}")
        self.process = subprocess.Popen([*command, *flags], stderr=fd, stdin=subprocess.DEVNULL, pass_fds=pass_fds,
                                        env=clean_environment(**(env or {})), preexec_fn=preexec)
        os.close(fd)
        self.addresses = []

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, seconds=15):
        def found():
            if self.process.poll() is not None and not re.search(pattern, self.log(), re.M):
                raise AssertionError(f"ended with {self.process.returncode} without {pattern!r}:\n{self.log()}")
            return re.search(pattern, self.log(), re.M)

        try:
            return await_(f"{pattern!r} in the log", found, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def wait_served(self, n=1):
        """Waits until it says where it serves."""
        pattern = r"serving http://(.*):(\d+)/metrics"
        self.wait_log(pattern)
        await_("each address is told", lambda: len(re.findall(pattern, self.log())) >= n)
        self.addresses = [(host.strip("[]"), int(port)) for host, port in re.findall(pattern, self.log())]
        self.host, self.port = self.addresses[0]
        if self.host in ("::", "0.0.0.0"):
            self.host = "127.0.0.1"

    def get(self, path="/metrics", headers=None, seconds=10, source=None):
        """One request on a connection of its own. Returns status, headers, body."""
        return get(self.host, self.port, path, headers, seconds, source)

    def scrape(self, **options):
        status, _, body = self.get("/metrics", **options)
        equal(status, 200, body)
        return Exposition(body)

    def wait_ready(self, seconds=15):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.get("/-/ready")[0] == 200
            return False

        await_("ready", ready, seconds)
        return self

    def samples(self, **options):
        return int(self.scrape(**options).value("sockwatch_samples_total"))

    def wait_samples(self, n_more, seconds=15):
        """Waits for that many more samples than there are now; shows that sampling goes on."""
        target = self.samples() + n_more
        return await_(f"{n_more} more samples", lambda: (now := self.samples()) >= target and now, seconds)

    def stop(self, number=signal.SIGTERM, seconds=15):
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---- HTTP and the exposition ----

def get(host, port, path="/metrics", headers=None, seconds=10, source=None):
    connection = http.client.HTTPConnection(host, port, timeout=seconds,
                                            source_address=(source, 0) if source else None)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


class Scraper:
    """One connection that is kept: it changes no state of any socket while it scrapes."""

    def __init__(self, scope, daemon):
        self.connection = http.client.HTTPConnection(daemon.host, daemon.port, timeout=10)
        scope.callback(self.connection.close)

    def scrape(self):
        self.connection.request("GET", "/metrics")
        response = self.connection.getresponse()
        equal(response.status, 200)
        return Exposition(response.read().decode())

    def after(self, n_ticks, seconds=15):
        """The page as it is that many samples from now."""
        target = self.scrape().value("sockwatch_samples_total") + n_ticks

        def page():
            now = self.scrape()
            return now if now.value("sockwatch_samples_total") >= target else None

        return await_(f"{n_ticks} more samples", page, seconds, every=0.005)


def has_ipv6():
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


_SERIES = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Exposition:
    """A page of metrics. Strict: what is not well-formed fails."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line has no end"
        self.text = text
        self.series = {}    # (name, ((label, value), …)) -> number
        self.families = {}  # name as in HELP and TYPE -> {"type", "help", "unit"}

        for line in text.splitlines():
            if line.startswith("# EOF"):
                continue
            if line.startswith("#"):
                _, keyword, name, rest = line.split(" ", 3)
                self.families.setdefault(name, {"unit": ""})[keyword.lower()] = rest
                continue
            found = _SERIES.fullmatch(line)
            assert found, f"not a series: {line!r}"
            labels = _LABEL.findall(found[2] or "")
            equal("".join(f'{k}="{v}",' for k, v in labels).rstrip(","), found[2] or "", "labels")
            key = (found[1], tuple(sorted((k, unescape(v)) for k, v in labels)))
            assert key not in self.series, f"twice: {line}"
            self.series[key] = float(found[3])

    def value(self, name, **labels):
        key = (name, tuple(sorted(labels.items())))
        assert key in self.series, f"no series {key}"
        return self.series[key]

    def get(self, name, **labels):
        return self.series.get((name, tuple(sorted(labels.items()))))

    def one(self, name, **labels):
        """The number of the one series that has these labels, and maybe others."""
        found = [value for (n, own), value in self.series.items() if n == name and labels.items() <= dict(own).items()]
        equal(len(found), 1, f"series {name} {labels}")
        return found[0]

    def states(self):
        return {dict(labels)["state"]: value for (name, labels), value in self.series.items()
                if name == "sockwatch_tcp_sockets"}


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)


# ---- sockets to look at ----

class Connections:
    """Connections of which the client has closed its half and the server has not: CLOSE_WAIT."""

    def __init__(self, scope, n, host="127.0.0.1", backlog=1024):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family, backlog=backlog)
        self.clients, self.servers = [], []
        self.port = self.listener.getsockname()[1]
        scope.callback(self.close)
        for _ in range(n):
            client = socket.create_connection((host, self.port))
            self.clients.append(client)
            self.servers.append(self.listener.accept()[0])
            client.shutdown(socket.SHUT_WR)

        # The FIN of each has arrived once its end of file can be read.
        for server in self.servers:
            server.settimeout(5)
            equal(server.recv(1), b"", "bytes on a closed connection")

    def close(self):
        """The servers close at last."""
        for end in [*self.servers, *self.clients]:
            end.close()
        self.listener.close()


class Queue:
    """A listener that accepts nobody, with that many connections waiting."""

    def __init__(self, scope, n, limit, host="127.0.0.1"):
        self.listener = scope.enter_context(socket.create_server((host, 0), backlog=limit))
        self.host, self.port = self.listener.getsockname()[:2]
        for _ in range(n):
            scope.enter_context(socket.create_connection((host, self.port)))


class Churn:
    """Listeners that come and go: they make samples large, so that the ring goes round."""

    def __init__(self, scope, n):
        self.n, self.is_ending = n, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        scope.callback(self.close)

    def _run(self):
        while not self.is_ending:
            listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(self.n)]
            time.sleep(0.012)
            for listener in listeners:
                listener.close()
            time.sleep(0.012)

    def close(self):
        self.is_ending = True
        self.thread.join()


# ---- systemd's side of the service ----

class NotifySocket:
    """What systemd listens on for READY=1 and the like; keeps each message with its time."""

    def __init__(self, scope):
        self.path = os.path.join(scope.folder(), "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.settimeout(0.1)
        self.messages = []
        self.is_ending = False
        self.thread = threading.Thread(target=self._receive, daemon=True)
        self.thread.start()
        scope.callback(self.close)

    def _receive(self):
        while not self.is_ending:
            with contextlib.suppress(TimeoutError):
                text = self.socket.recv(65536).decode()
                self.messages.append((time.monotonic(), text))

    def close(self):
        self.is_ending = True
        self.thread.join()
        self.socket.close()

    def lines(self):
        return [(when, line) for when, text in list(self.messages) for line in text.splitlines()]

    def times(self, wanted):
        return [when for when, line in self.lines() if line.startswith(wanted)]


# ---- a sampler that is stuck for real ----

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000


def find_thread(pid, name):
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{tid}/comm") as file:
                if file.read().strip() == name:
                    return int(tid)
    return None


class StuckThread:
    """Holds one thread of a process where it is. Belongs to the thread that made it."""

    def __init__(self, scope, pid, name):
        self.tid = await_(f"thread {name}", lambda: find_thread(pid, name))
        self._ptrace(PTRACE_SEIZE)
        self.is_held = True
        scope.callback(self.release)
        self._ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.tid, WALL)

    def _ptrace(self, request):
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        libc.ptrace.restype = ctypes.c_long
        if libc.ptrace(request, self.tid, None, None) < 0:
            number = ctypes.get_errno()
            if number == 1:
                raise Skip("ptrace is not permitted here")
            raise OSError(number, os.strerror(number))

    def release(self):
        if self.is_held:
            self.is_held = False
            with contextlib.suppress(OSError):
                self._ptrace(PTRACE_DETACH)

    def reap(self):
        """True once the thread has died; as its tracer we have to look, or it stays a zombie."""
        try:
            tid, status = os.waitpid(self.tid, WALL | os.WNOHANG)
        except ChildProcessError:
            self.is_held = False
            return True
        if tid and not os.WIFSTOPPED(status):
            self.is_held = False
            return True
        return False
