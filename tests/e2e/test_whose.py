#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Many sockets of many units and listeners are told apart as ss tells them, and a burst is not lost.

SOCKWATCH_WHOSE=full makes 50,000 sockets over 200 listeners in 100 cgroups; without that, as in the suite, there are
fewer.
"""

import atexit
import collections
import os
import re
import socket
import threading
import time

from harness import (Queue, Scope, Scraper, Skip, await_, comment, equal, main, need_program, need_root,
                     own_network, run, test)

IS_FULL = os.environ.get("SOCKWATCH_WHOSE") == "full"
N_CGROUPS, N_LISTENERS, N_CONNECTIONS = (100, 2, 125) if IS_FULL else (20, 2, 50)

SS_STATES = {"ESTAB": "established", "LISTEN": "listen", "TIME-WAIT": "time_wait", "CLOSE-WAIT": "close_wait",
             "FIN-WAIT-2": "fin_wait2", "FIN-WAIT-1": "fin_wait1", "SYN-SENT": "syn_sent", "SYN-RECV": "syn_recv",
             "LAST-ACK": "last_ack", "CLOSING": "closing", "UNCONN": "close"}

scope = Scope()
daemon = crowd = None


def cgroup_root():
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, rest = line.split(" - ")
            if rest.split()[0] == "cgroup2":
                return fields.split()[4]
    raise Skip("no cgroup2 is mounted")


class Crowd:
    """A process in each of many cgroups, with listeners and connections to itself."""

    def __init__(self):
        self.name = f"sockwatch-whose-{os.getpid()}"
        self.folder = os.path.join(cgroup_root(), self.name)
        self.children = []
        try:
            os.mkdir(self.folder)
        except OSError as error:
            raise Skip(f"no cgroup can be made here: {error}") from None
        scope.callback(self.end)
        for number in range(N_CGROUPS):
            os.mkdir(f"{self.folder}/{number}")
            self.children.append(self._start(number))
        for _, ready, _ in self.children:
            equal(os.read(ready, 1), b"r", "a process of the crowd")

    def _start(self, number):
        ready, tell = os.pipe()
        wait, let_go = os.pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for fd in [ready, let_go, *(fd for _, _, fd in self.children)]:
                    os.close(fd)
                self._live(number, tell, wait)
                status = 0
            finally:
                os._exit(status)
        os.close(tell)
        os.close(wait)
        return pid, ready, let_go

    def _live(self, number, tell, wait):
        with open(f"{self.folder}/{number}/cgroup.procs", "w") as file:
            file.write("0")
        kept = []
        for i in range(N_LISTENERS):
            port = 10000 + number * N_LISTENERS + i
            listener = socket.create_server(("127.0.0.1", port), backlog=512)
            for n in range(N_CONNECTIONS):
                client = socket.create_connection(("127.0.0.1", port))
                server = listener.accept()[0]
                if n % 5 == 0:
                    client.shutdown(socket.SHUT_WR)  # CLOSE_WAIT here, FIN_WAIT2 there
                kept += [client, server]
            kept.append(listener)
        os.write(tell, b"r")
        os.read(wait, 1)

    def end(self):
        for pid, ready, let_go in self.children:
            os.close(let_go)
            os.close(ready)
            os.waitpid(pid, 0)
        for path in [*(f"{self.folder}/{number}" for number in range(N_CGROUPS)), self.folder]:
            await_(f"{path} to be empty", lambda: self._is_gone(path), 10)

    @staticmethod
    def _is_gone(path):
        try:
            os.rmdir(path)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True


def prepare():
    global daemon, crowd
    need_root()
    need_program("ss")
    own_network()
    atexit.register(scope.close)
    crowd = Crowd()
    config = os.path.join(scope.folder(), "sockwatch.yaml")
    with open(config, "w") as file:
        file.write("tables: { listeners: 512, units: 256 }\nwalks: { budget: 100% }\n")
    daemon = scope.daemon(f"--config.file={config}", interval="500ms").wait_ready()


def by_ss():
    """(unit, state) -> sockets, and (port, state) -> what came in there, of the crowd."""
    units, listeners = collections.Counter(), collections.Counter()
    for line in run(["ss", "-tanH", "--cgroup"]).stdout.splitlines():
        state, _, _, local, _ = line.split()[:5]
        port = int(local.rsplit(":", 1)[1])
        found = re.search(rf"cgroup:(/{crowd.name}/\d+)\b", line)
        if found:
            units[found[1], SS_STATES[state]] += 1
        if 10000 <= port < 10000 + N_CGROUPS * N_LISTENERS and state != "LISTEN":
            listeners[str(port), SS_STATES[state]] += 1
    return units, listeners


def by_daemon(page):
    units, listeners = collections.Counter(), collections.Counter()
    for (name, labels), value in page.series.items():
        labels = dict(labels)
        if name == "sockwatch_unit_tcp_sockets" and labels["unit"].startswith(f"/{crowd.name}/") and value:
            units[labels["unit"], labels["state"]] = int(value)
        if name == "sockwatch_listener_sockets" and value and 10000 <= int(labels["port"]) < 10000 + N_CGROUPS * N_LISTENERS:
            listeners[labels["port"], labels["state"]] = int(value)
    return units, listeners


def check_sums(page):
    for state, n in page.states().items():
        of_units = sum(value for (name, labels), value in page.series.items()
                       if name == "sockwatch_unit_tcp_sockets" and dict(labels)["state"] == state)
        equal(of_units, n, f"units' sockets in {state}")


@test("without churn every unit and every listener has what ss says, exactly, and sums over units are the host's")
def _(scope):
    page = Scraper(scope, daemon).after(3)
    check_sums(page)
    expected, found = by_ss(), by_daemon(page)
    equal(found[0], expected[0], "by unit")
    equal(found[1], expected[1], "by listener")
    equal(sum(expected[0].values()), N_CGROUPS * N_LISTENERS * (2 * N_CONNECTIONS + 1), "sockets of the crowd")
    comment(f"{sum(page.states().values()):.0f} sockets, {len({u for u, _ in found[0]})} units, "
            f"{len({p for p, _ in found[1]})} listeners")


class Churn:
    """Connections that are opened and closed as fast as 2,000 a second, by this process."""

    def __init__(self, scope):
        self.n, self.is_ending = 0, False
        self.listener = scope.enter_context(socket.create_server(("127.0.0.1", 9000), backlog=1024))
        self.threads = [threading.Thread(target=self._connect, daemon=True),
                        threading.Thread(target=self._accept, daemon=True)]
        for thread in self.threads:
            thread.start()
        scope.callback(self.close)

    def _connect(self):
        begin = time.monotonic()
        while not self.is_ending:
            socket.create_connection(("127.0.0.1", 9000)).close()
            self.n += 1
            ahead = self.n / 2000 - (time.monotonic() - begin)
            if ahead > 0.005:
                time.sleep(ahead)

    def _accept(self):
        self.listener.settimeout(0.1)
        while not self.is_ending:
            try:
                self.listener.accept()[0].close()
            except TimeoutError:
                pass

    def close(self):
        self.is_ending = True
        for thread in self.threads:
            thread.join()


@test("under churn they are as ss says within the churn, and sums over units are the host's always")
def _(scope):
    expected = by_ss()
    churn = Churn(scope)
    await_("the churn", lambda: churn.n > 500)
    scraper, began, n_before = Scraper(scope, daemon), time.monotonic(), churn.n
    for _ in range(5):
        page = scraper.after(2)
        check_sums(page)
        found = by_daemon(page)
        # A dump follows its table while that changes: it may miss one, or tell of one twice.
        for what, now, then in zip(["unit", "listener"], found, expected):
            for key in now.keys() | then.keys():
                assert abs(now[key] - then[key]) <= max(2, then[key] // 50), f"{what} {key}: {now[key]}, {then[key]} of ss"
    comment(f"{(churn.n - n_before) / (time.monotonic() - began):.0f} connections a second")


@test("a burst between two scrapes that fills a queue is seen in its peak and in the time it was full")
def _(scope):
    def series(page, what):
        return page.one(f"sockwatch_listener_{what}", address="127.0.0.1", port=str(queue.port))

    queue = Queue(scope, 0, 16)
    scraper = Scraper(scope, daemon)
    first = scraper.after(2)
    equal([series(first, "accept_queue_peak"), series(first, "saturated_seconds_total")], [0, 0], "before")

    # Between the two scrapes that are looked at. That it was sampled is seen by its status.
    clients = [socket.create_connection(("127.0.0.1", queue.port)) for _ in range(17)]
    scraper.after(4)
    for _ in clients:
        queue.listener.accept()[0].close()
    last = scraper.after(2)
    for client in clients:
        client.close()

    equal(series(last, "accept_queue_length"), 0, "length when it is over")
    equal(series(last, "accept_queue_peak"), 17, "peak")
    assert series(last, "saturated_seconds_total") >= 1, series(last, "saturated_seconds_total")


if __name__ == "__main__":
    main(prepare)
