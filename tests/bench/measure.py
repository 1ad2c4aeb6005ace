# SPDX-License-Identifier: Apache-2.0
"""How the benches measure: sockets to be looked at, CPU and memory of processes, latency of a server.

Everything is started through a Scope of the end-to-end tests, so that it ends with whoever started it.
"""

import collections
import contextlib
import math
import os
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

from harness import BUILD, Skip, await_, clean_environment, die_with_parent, get, need_program  # noqa: E402

MIB = 1 << 20

# More than bench-sockets needs, of the kernel's memory.
BYTES_PER_SOCKET = 4096


def program(name):
    """One of this folder's, as meson built it."""
    path = os.path.join(BUILD, "tests", "bench", name)
    if not os.path.exists(path):
        raise Skip(f"{path} is not built")
    return path


# ---- sockets ----

class Size:
    """So many sockets: "1000" or "mix:1000" on the command line."""

    def __init__(self, text):
        kind, _, number = text.rpartition(":")
        if kind not in ("", "mix") or not number.isdigit() or int(number) < 1000:
            raise ValueError(f"{text} is no size: write 10000 or mix:10000, and at least 1000")
        self.n, self.is_mixed = int(number), kind == "mix"
        self.name = f"{'mix:' if kind else ''}{self.n}"
        self.words = f"{self.n:,} sockets, " + ("200 listeners and all states" if kind else "all ESTABLISHED")


def available_bytes():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable:"))


def cgroup_root():
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, rest = line.split(" - ")
            if rest.split()[0] == "cgroup2":
                return fields.split()[4]
    return None


def remove_cgroup(folder):
    def is_gone():
        for path in [*(entry.path for entry in os.scandir(folder) if entry.is_dir()), folder]:
            try:
                os.rmdir(path)
            except OSError:  # the last process of it is still dying
                return False
        return True

    await_(f"{folder} is removed", is_gone, seconds=60)


def make_sockets(scope, size):
    """Fills this network namespace until the scope ends."""
    command = [program("bench-sockets"), str(size.n), "mixed" if size.is_mixed else "plain"]
    if size.n * BYTES_PER_SOCKET > available_bytes() - 1024 * MIB:
        raise Skip(f"needs {size.n * BYTES_PER_SOCKET // MIB:,} MiB of memory")
    root = cgroup_root()
    if size.is_mixed and root:
        folder = os.path.join(root, f"sockwatch-bench-{os.getpid()}")
        with contextlib.suppress(OSError):
            os.mkdir(folder)
            scope.callback(remove_cgroup, folder)
            command.append(folder)

    process = scope.process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    # A million take it a while to make, and to let go.
    scope.callback(leave, process)
    if process.stdout.readline() != b"ready\n":
        raise AssertionError(f"{' '.join(command)} ended with {process.wait()}")


def leave(process, seconds=120):
    """Ends what ends with its input."""
    process.stdin.close()
    process.wait(seconds)


# ---- what a process takes ----

def cpu_nsec(pid):
    """User and system time of all threads, also those that ended: the process's CPU clock (clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def status_bytes(pid, field):
    with open(f"/proc/{pid}/status") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":")), 0)


def mapped_bytes(pid, path):
    """Resident pages of one mapped file."""
    found, total = False, 0
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            if not line[0].isupper():
                found = line.rstrip().endswith(path)
            elif found and line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


def peak_beside(pid, path):
    """The most that was resident, but for the pages of a mapped file, which are the kernel's to drop."""
    return status_bytes(pid, "VmHWM") - mapped_bytes(pid, path)


def run_measured(command, seconds):
    """A command to its end. Returns (CPU seconds, seconds, peak bytes, exit status or -1 for too late)."""
    result = subprocess.run([program("bench-run"), str(seconds), *command], stdout=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL, env=clean_environment(), preexec_fn=die_with_parent, check=True)
    cpu, took, peak, status = map(int, result.stdout.split())
    return cpu / 1e6, took / 1e6, peak * 1024, status


class Lines:
    """A program that does one thing for each line, and answers with numbers."""

    def __init__(self, scope, name, greets=False):
        self.process = scope.process([program(name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if greets and self.process.stdout.readline() != "ready\n":
            raise AssertionError(f"{name} ended with {self.process.wait()}")

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise AssertionError(f"no answer to {word}: ended with {self.process.wait()}")
        return [int(number) for number in answer]


# ---- servers ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_page(port, path="/metrics", seconds=30):
    def page():
        with contextlib.suppress(OSError):
            status, _, body = get("127.0.0.1", port, path, seconds=seconds)
            return body if status == 200 else None
        return None

    return await_(f"127.0.0.1:{port}{path} is served", page, seconds)


# wrk waits so many milliseconds before each request of a connection, and says at its end what it found, with how often it
# met each latency, in microseconds.
WRK_SCRIPT = """
{delay}
done = function(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format("RESULT %d %d %d\\n", summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
    for i = 1, #latency do
        io.write(string.format("LATENCY %d %d\\n", latency(i)))
    end
end
"""


class Load:
    """What clients of a server met: requests, the seconds these came in, and how often each latency in microseconds."""

    def __init__(self, requests=0, seconds=0.0, latencies=()):
        self.requests, self.seconds, self.latencies = requests, seconds, collections.Counter(latencies)

    def add(self, other):
        self.requests += other.requests
        self.seconds += other.seconds
        self.latencies.update(other.latencies)

    @property
    def rate(self):
        return self.requests / self.seconds

    def percentile(self, share):
        """The latency in seconds that this share of requests did not exceed."""
        left = math.ceil(self.latencies.total() * share)
        for usec in sorted(self.latencies):
            left -= self.latencies[usec]
            if left <= 0:
                return usec / 1e6
        raise ValueError("no latencies")


def wrk(scope_folder, port, path, seconds, connections, delay_msec=0):
    """Returns the load. Errors fail."""
    script = os.path.join(scope_folder, "wrk.lua")
    with open(script, "w") as file:
        file.write(WRK_SCRIPT.format(delay=f"delay = function() return {delay_msec} end" if delay_msec else ""))
    command = [need_program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script]
    result = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                            preexec_fn=die_with_parent, timeout=seconds + 30, check=True)
    told = {"RESULT": [], "LATENCY": []}
    for line in result.stdout.splitlines():
        word, *numbers = line.split() or [""]
        if word in told:
            told[word].append([int(number) for number in numbers])
    (requests, usec, errors), = told["RESULT"]
    assert requests and not errors, f"{errors} errors in {requests} requests:\n{result.stdout.partition('RESULT ')[0]}"
    return Load(requests, usec / 1e6, dict(told["LATENCY"]))


# ---- telling ----

def median(values):
    return statistics.median(values)


def spread(values):
    """Half of the values are that near to the median, as a share of it: what is noise."""
    middle = median(values)
    return median(abs(value - middle) for value in values) / middle if middle else 0


def seconds_text(value):
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale or unit == "us":
            return f"{value / scale:.3g} {unit}" if value / scale < 1000 else f"{value / scale:.0f} {unit}"
    return ""


def table(head, rows):
    """Columns that are as wide as what is in them; the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


# As services are: the scheduler may group by sessions, and then a thread gives way to those of its own alone.
OWN_SESSION = ["setsid"]


def sockets_of_host():
    """TCP sockets of all namespaces: walks pass over those of the others as well."""
    with open("/proc/net/sockstat") as file:
        fields = next(line.split() for line in file if line.startswith("TCP:"))
    return int(fields[fields.index("alloc") + 1])


def machine():
    """What figures depend on, and how busy the machine is with other things."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    return {
        "cpu": model, "cores": os.cpu_count(), "kernel": " ".join(os.uname()[i] for i in (0, 2, 4)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "load_before": os.getloadavg()[0],
        "sockets_before": sockets_of_host(),
    }
