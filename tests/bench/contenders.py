# SPDX-License-Identifier: Apache-2.0
"""Who is measured: this project, the floor, and what people use today for the same questions.

A contender is started once and then measures one sample at a time, so that contenders take turns. A measure is CPU
seconds (user and system, of all its processes), seconds until it was done, and how many bytes were resident at most
so far, of the largest of its processes. What is not installed is told as that.
"""

import os
import re
import shutil
import subprocess
import time
import typing

from measure import Lines, cpu_nsec, free_port, run_measured, status_bytes, wait_page

from harness import Scope, Skip, await_, clean_environment, get


class Measure(typing.NamedTuple):
    cpu: float
    wall: float
    peak: int


class Contender:
    package = None   # of Debian
    program = None   # that has to be there
    at_most = None   # it is measured no more often than that at a million sockets
    is_paced = False  # it is measured once a second, by itself
    note = ""
    is_over = False  # it took too long, and is not measured again

    def __init__(self, name):
        self.name = name

    def start(self, scope, size):
        """Prepares; raises Skip where it cannot run here."""
        if self.program and not shutil.which(self.program):
            raise Skip("not installed" + (f" ({self.package})" if self.package else ""))

    def measure(self):
        raise NotImplementedError


class Asked(Contender):
    """One of our own programs, which does one thing for a line; several contenders may share one."""

    def __init__(self, name, binary, word, shared):
        super().__init__(name)
        self.binary, self.word, self.shared = binary, word, shared

    def start(self, scope, size):
        self.size = size
        if self.binary not in self.shared:
            self.shared[self.binary] = Lines(scope, self.binary, greets=self.binary == "bench-sample")
        self.lines = self.shared[self.binary]

    def measure(self):
        cpu, wall, *_ = self.lines.ask(self.word)
        return Measure(cpu / 1e9, wall / 1e9, status_bytes(self.lines.process.pid, "VmHWM"))


class Sample(Asked):
    """A sample with a walk, a moment after one without, as in the daemon: what is due every few seconds is done by then.

    Holds what it counted against what there is: a cheap sample of nothing would be no feat.
    """

    def measure(self):
        self.lines.ask("none")
        cpu, wall, _, peak, n_sockets, n_of_units, n_of_listeners, _, n_rare = self.lines.ask(self.word)
        # A tenth of the mix is in a rare state.
        assert n_rare >= self.size.n * 0.05 or not self.size.is_mixed, f"counted {n_rare} in rare states"
        if self.word == "full":
            assert n_sockets >= self.size.n * 0.95, f"counted {n_sockets} of {self.size.n} sockets"
            self.note = f"{n_of_units:,} attributed to units, {n_of_listeners:,} to listeners"
        return Measure(cpu / 1e9, wall / 1e9, peak)


class Tick(Asked):
    """A sample without a walk, once a second as in the daemon, as some of what it does is due every few seconds."""

    is_paced = True

    def measure(self):
        cpu, wall, _, peak, *_ = self.lines.ask(self.word)
        return Measure(cpu / 1e9, wall / 1e9, peak)


class Descriptors(Asked):
    """The collector that looks at processes, over as many ticks as it takes to come to all of them, as other programs do
    each time. It is told by time, which is not less than its CPU."""

    def measure(self):
        _, wall, nsec, peak, _, _, _, n_descriptors, _ = self.lines.ask(self.word)
        if not self.size.is_mixed:
            assert n_descriptors >= self.size.n, f"counted {n_descriptors} of {self.size.n} descriptors"
        return Measure(nsec / 1e9, wall / 1e9, peak)


class Command(Contender):
    def __init__(self, name, words, program, package=None, at_most=None, seconds=120):
        super().__init__(name)
        self.words, self.program, self.package = words, program, package
        self.at_most, self.seconds = at_most, seconds

    def measure(self):
        cpu, wall, peak, status = run_measured(self.words, self.seconds)
        if status == -1:
            self.note = f"ended after {self.seconds} s without an answer"
            self.is_over = True
        else:
            assert status in (0, 1), f"{self.name}: exit status {status}"
        return Measure(cpu, wall, peak)


class Exporter(Contender):
    """A server of metrics that does its work when it is scraped."""

    def __init__(self, name, program, package, flags, counts=None):
        super().__init__(name)
        self.program, self.package, self.flags, self.counts = program, package, flags, counts

    def start(self, scope, size):
        super().start(scope, size)
        self.port = free_port()
        self.process = scope.process([self.program, *self.flags(self.port)], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
        self.pid = self.process.pid
        # Few sockets cost less than a scrape does: then it is scraped more often, for a mean.
        self.n = 1 if size.n >= 100_000 else 10
        page = wait_page(self.port, seconds=120)
        if self.counts and not size.is_mixed:
            counted = sum(float(value) for value in re.findall(self.counts, page, re.M))
            assert counted >= size.n, f"{self.name}: counted {counted} of {size.n}"

    def measure(self):
        begin, cpu = time.monotonic(), cpu_nsec(self.pid)
        for _ in range(self.n):
            status, _, _ = get("127.0.0.1", self.port, seconds=120)
            assert status == 200, f"{self.name}: {status}"
        wall = time.monotonic() - begin
        return Measure((cpu_nsec(self.pid) - cpu) / 1e9 / self.n, wall / self.n, status_bytes(self.pid, "VmHWM"))


COLLECTD_CONFIGURATION = """
Hostname "bench"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
Interval {interval}
ReadThreads 1
WriteThreads 1
LoadPlugin tcpconns
<Plugin tcpconns>
  ListeningPorts false
  AllPortsSummary true
</Plugin>
"""


class Collectd(Contender):
    """Samples by its own clock. It is run only while it is measured, and over one of its intervals, which begins when
    it rests."""

    program, package = "collectd", "collectd-core"
    interval = 2

    def start(self, scope, size):
        super().start(scope, size)
        folder = scope.folder()
        self.configuration = os.path.join(folder, "collectd.conf")
        with open(self.configuration, "w") as file:
            file.write(COLLECTD_CONFIGURATION.format(folder=folder, interval=self.interval))
        # What it takes to read is known to be less than that; else the figure would not be that of one sample.
        if size.n > 2_000_000:
            raise Skip("does not come to rest between its samples")

    def measure(self):
        with Scope() as scope:
            pid = scope.process([self.program, "-f", "-C", self.configuration], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment()).pid
            await_("collectd rests", lambda: self.rests(pid), 30)
            cpu = cpu_nsec(pid)
            time.sleep(self.interval)
            return Measure((cpu_nsec(pid) - cpu) / 1e9, None, status_bytes(pid, "VmHWM"))

    @staticmethod
    def rests(pid):
        """After its first sample, which takes longer than to start."""
        before = cpu_nsec(pid)
        time.sleep(0.3)
        return before and cpu_nsec(pid) - before < 1e6


def contenders():
    """All of them, in the order in which they take turns: who is held against whom stands side by side."""
    shared = {}

    def asked(name, binary, word, kind=Asked):
        return kind(name, binary, word, shared)

    def node_exporter(*collectors):
        return lambda port: ["--collector.disable-defaults", "--web.disable-exporter-metrics", "--log.level=error",
                             f"--web.listen-address=127.0.0.1:{port}", *(f"--collector.{c}" for c in collectors)]

    def process_exporter(port):
        return ["-procnames", "bench-sockets", f"-web.listen-address=127.0.0.1:{port}"]

    return [
        asked("floor: one walk", "bench-floor", "full"),
        asked("sockwatch: full sample", "bench-sample", "full", Sample),
        asked("floor: two walks", "bench-floor", "two"),
        asked("floor: rare states", "bench-floor", "rare"),
        asked("sockwatch: rare sample", "bench-sample", "rare", Sample),
        asked("floor: LISTEN alone", "bench-floor", "listen"),
        asked("sockwatch: tick without a walk", "bench-sample", "none", Tick),
        asked("sockwatch: descriptors of all processes", "bench-sample", "pass", Descriptors),
        Command("ss -tan | awk | sort | uniq -c", ["sh", "-c", "ss -tan | awk '{print $1}' | sort | uniq -c"], "ss",
                "iproute2"),
        Command("ss -ltn", ["ss", "-ltn"], "ss", "iproute2"),
        Command("netstat -s", ["netstat", "-s"], "netstat", "net-tools"),
        Exporter("node_exporter: tcpstat", "prometheus-node-exporter", "prometheus-node-exporter",
                 node_exporter("tcpstat"), r'^node_tcp_connection_states\{state="established"\} (.*)'),
        Exporter("node_exporter: netstat, sockstat, filefd", "prometheus-node-exporter", "prometheus-node-exporter",
                 node_exporter("netstat", "sockstat", "filefd")),
        Collectd("collectd: tcpconns"),
        Exporter("process-exporter", "prometheus-process-exporter", "prometheus-process-exporter", process_exporter,
                 r'^namedprocess_namegroup_open_filedesc\{groupname="bench-sockets"\} (.*)'),
        Command("lsof -iTCP", ["lsof", "-nP", "-iTCP"], "lsof", "lsof", at_most=1, seconds=60),
    ]
