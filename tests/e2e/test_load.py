#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""However many ask, and however they behave: sampling keeps its ticks, and others are answered."""

import contextlib
import random
import re
import shutil
import socket
import subprocess
import threading
import time

from harness import Exposition, Skip, await_, comment, equal, get, history, main, own_network, test

GOOD = "127.0.0.2"  # whoever behaves comes from here; the others from 127.0.0.1 or 127.0.1.x
SECONDS = 6
INTERVAL = 0.5


def threads(scope, function, arguments):
    """One for each argument, until the function that is returned is called; a failure in one fails the test."""
    failures, is_ending = [], threading.Event()

    def body(argument):
        try:
            while not is_ending.is_set():
                function(argument)
        except Exception as error:
            failures.append(error)

    running = [threading.Thread(target=body, args=(argument,), daemon=True) for argument in arguments]

    def end():
        is_ending.set()
        for thread in running:
            thread.join()
        assert not failures, failures

    scope.callback(end)
    for thread in running:
        thread.start()
    return end


class Ticks:
    """What is sampled and what is missed over a time, as a client that behaves sees it.

    A machine that is busy with something else makes anybody miss a tick. So there
    is a control: another daemon, which nobody asks, over the same time.
    """

    def __init__(self, scope, daemon):
        self.daemon = daemon
        self.control = scope.daemon(interval=f"{INTERVAL * 1000:.0f}ms").wait_ready()
        self.waits = []
        self.begin_missed = self._missed(self.control.scrape(source=GOOD))
        self.begin_time, self.begin = time.monotonic(), self._scrape()

    @staticmethod
    def _missed(page):
        return page.value("sockwatch_missed_ticks_total")

    def _scrape(self):
        asked = time.monotonic()
        page = self.daemon.scrape(source=GOOD)
        self.waits.append(time.monotonic() - asked)
        return page

    def watch(self, is_over):
        while not is_over():
            self._scrape()
            time.sleep(0.05)

    def check(self):
        end, now = self._scrape(), time.monotonic()
        n_samples = end.value("sockwatch_samples_total") - self.begin.value("sockwatch_samples_total")
        n_missed = self._missed(end) - self._missed(self.begin)
        n_control = self._missed(self.control.scrape(source=GOOD)) - self.begin_missed
        expected = (now - self.begin_time) / INTERVAL
        n_overflows = end.value("sockwatch_tcp_listen_overflows_total") - self.begin.value("sockwatch_tcp_listen_overflows_total")
        comment(f"{n_samples:.0f} samples and {n_missed:.0f} missed, {expected:.1f} expected; {n_control:.0f} missed by the control; "
                f"{len(self.waits)} good scrapes, the slowest {max(self.waits) * 1000:.0f} ms")
        assert abs(n_samples + n_missed - expected) <= 2, "ticks that are neither sampled nor missed"
        assert n_missed <= n_control + 2, f"{n_missed:.0f} ticks missed, and {n_control:.0f} by a daemon that nobody asks"
        assert max(self.waits) < 5, f"a good scrape took {max(self.waits):.2f} s"
        equal(n_overflows, 0, "connections that its own queue had no room for")
        equal(self.daemon.get("/-/healthy", source=GOOD)[0], 200)


def start(scope):
    daemon = scope.daemon(interval=f"{INTERVAL * 1000:.0f}ms").wait_ready()
    daemon.wait_samples(2)
    return daemon


@test("while wrk asks as fast as it can, sampling keeps its ticks and others are answered")
def _(scope):
    if not shutil.which("wrk"):
        raise Skip("needs wrk, which is not installed")
    daemon = start(scope)
    ticks = Ticks(scope, daemon)
    wrk = scope.process(["wrk", "--connections=12", "--threads=1", f"--duration={SECONDS}s", f"http://127.0.0.1:{daemon.port}/metrics"],
                        stdout=subprocess.PIPE, text=True)
    ticks.watch(lambda: wrk.poll() is not None)
    ticks.check()

    report = wrk.stdout.read()
    n_requests = int(re.search(r"(\d+) requests in", report)[1])
    comment(f"{n_requests} requests of wrk")
    assert n_requests > 1000, report
    assert "Non-2xx" not in report and not re.search(r"Socket errors: .*(read|write) [1-9]", report), report


@test("twenty clients that keep asking each get whole pages, in the format they ask for")
def _(scope):
    daemon = start(scope)
    ticks = Ticks(scope, daemon)
    n_pages = [0] * 20

    def ask(i):
        accept = {"Accept": "application/openmetrics-text"} if i % 2 else {}
        status, headers, body = get(daemon.host, daemon.port, headers=accept, source=f"127.0.1.{i + 1}")
        equal(status, 200)
        equal(body.endswith("# EOF\n"), bool(i % 2), "the end of an OpenMetrics page")
        equal("openmetrics" in headers["Content-Type"], bool(i % 2))
        if n_pages[i] % 20 == 0:
            Exposition(body)
        n_pages[i] += 1

    stop = threads(scope, ask, range(20))
    end = time.monotonic() + SECONDS
    ticks.watch(lambda: time.monotonic() > end)
    ticks.check()
    stop()
    comment(f"{sum(n_pages)} pages")
    assert min(n_pages) > 5, n_pages


def connect(daemon, source="127.0.0.1"):
    s = socket.create_connection((daemon.host, daemon.port), timeout=5, source_address=(source, 0))
    return s


def answer(s):
    """What comes back until the end: b"" for a connection that is merely closed."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while chunk := s.recv(65536):
            data += chunk
    return data


@test("half requests, huge heads, garbage, and a hundred idle connections of one address stop nobody else")
def _(scope):
    daemon = start(scope)
    ticks = Ticks(scope, daemon)
    chance = random.Random(1)
    answers = {}

    idle = [scope.enter_context(connect(daemon, "127.0.1.1")) for _ in range(100)]

    def half(_):
        with connect(daemon, "127.0.1.2") as s, contextlib.suppress(ConnectionError):
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
            time.sleep(0.05)

    def huge(_):
        with connect(daemon, "127.0.1.3") as s, contextlib.suppress(ConnectionError):
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
            for _ in range(100):
                s.sendall(b"X-Huge: " + b"x" * 4000 + b"\r\n")
            answers.setdefault("huge", set()).add(answer(s)[:12])

    def garbage(_):
        with connect(daemon, "127.0.1.4") as s, contextlib.suppress(ConnectionError, TimeoutError):
            s.sendall(chance.randbytes(2000) + b"\r\n\r\n")
            answers.setdefault("garbage", set()).add(answer(s)[:12])

    def reset(_):
        with connect(daemon, "127.0.1.5") as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")

    def deaf(_):
        """Asks for many pages and reads none."""
        with connect(daemon, "127.0.1.6") as s, contextlib.suppress(ConnectionError, TimeoutError):
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            time.sleep(0.5)

    stops = [threads(scope, behaviour, range(2)) for behaviour in [half, huge, garbage, reset, deaf]]
    end = time.monotonic() + SECONDS
    ticks.watch(lambda: time.monotonic() > end)
    ticks.check()
    for stop in stops:
        stop()
    comment(f"answers: {answers}")
    assert answers["huge"] <= {b"HTTP/1.1 431", b"HTTP/1.1 413", b""}, answers["huge"]
    assert answers["garbage"] <= {b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 405", b"HTTP/1.0 405", b"HTTP/1.1 505", b""}, answers["garbage"]

    # Of the idle ones only so many were ever taken in.
    page = daemon.scrape(source=GOOD)
    fds = page.value("process_open_fds")
    assert fds < 64 + 32, f"{fds} descriptors"
    n_closed = 0
    for s in idle:
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            n_closed += answer(s) == b""
    assert n_closed >= 100 - 16, f"{100 - n_closed} idle connections of one address are held"
    equal(daemon.stop(), 0)


@test("connections that say nothing, or half of it, are ended; so even when all are taken, all are free again")
def _(scope):
    daemon = start(scope)
    taken = []
    for i in range(100):
        with contextlib.suppress(OSError):
            s = scope.enter_context(connect(daemon, f"127.0.2.{i + 1}"))
            if i % 2:
                s.sendall(b"GET /metrics HTTP/1.1\r\nHo")
            taken.append(s)
    begin = time.monotonic()

    def scraped():
        with contextlib.suppress(OSError):
            return daemon.get(source=GOOD, seconds=2)[0] == 200

    await_("a scrape", scraped, 20, every=0.2)
    took = time.monotonic() - begin
    comment(f"a scrape was answered after {took:.1f} s")
    assert took < 16, took

    # All who were taken in are let go.
    def all_ended():
        n = 0
        for s in taken:
            s.setblocking(False)
            try:
                while s.recv(65536):
                    pass
                n += 1
            except BlockingIOError:
                pass
            except ConnectionError:
                n += 1
        return n == len(taken)

    await_("the end of each", all_ended, 30, every=0.2)
    samples = history(daemon.ring)[0]
    gaps = [b["time"] - a["time"] for a, b in zip(samples, samples[1:])]
    assert max(gaps) < 4 * INTERVAL, f"the longest time without a sample: {max(gaps)}"
    equal(daemon.stop(), 0)


if __name__ == "__main__":
    main(own_network)
