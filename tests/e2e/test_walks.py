#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Walks over all sockets take their budget, and what they counted is told with its time in between."""

import os
import re
import resource
import signal
import socket
import struct
import time

from harness import Connections, Scraper, StuckThread, await_, comment, equal, main, matches, need_root, own_network, run, sockwatch, test

N_SOCKETS = 12_000
TCP_REPAIR, REPAIR_ON, REPAIR_OFF_WITHOUT_PROBE = 19, 1, -1

COUNTED = "sockwatch_tcp_counted_timestamp_seconds"


ports = iter([(address, port) for address in ("127.0.0.1", "127.0.0.3") for port in range(10_000, 60_000)])  # none twice: one that is closed is not gone at once


def make_sockets(scope, n):
    """Established connections without a peer (TCP_REPAIR, tcp(7)), which nothing is ever sent on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for i in range(n):
        connection = scope.enter_context(socket.socket())
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
        # Closed it is gone at once, and does not try for minutes to tell a peer that is none.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.bind(next(ports))
        connection.connect((f"127.1.{i % 200}.1", 443))
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_WITHOUT_PROBE)


def walks(page):
    return {walk: (page.value("sockwatch_walks_total", walk=walk),
                   page.value("sockwatch_walk_cpu_seconds_total", walk=walk)) for walk in ("rare", "full")}


def counted(page):
    return {what: page.value(COUNTED, what=what) for what in ("established", "time_wait", "rare_states", "full_walk")}


def now(page):
    return page.value("sockwatch_last_sample_timestamp_seconds")


@test("walks take the share of a core that they may, and no more than one walk of each kind beyond it")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    daemon = scope.daemon(interval="50ms").wait_ready()
    scraper = Scraper(scope, daemon)

    begin = scraper.scrape()
    end = await_("walks of each kind", lambda: (page := scraper.after(20)) and walks(page)["full"][0] >= 4 and
                 walks(page)["rare"][0] >= 20 and page, seconds=60)
    n = {walk: walks(end)[walk][0] - walks(begin)[walk][0] for walk in ("rare", "full")}
    cpu = {walk: walks(end)[walk][1] - walks(begin)[walk][1] for walk in ("rare", "full")}
    each = {walk: cpu[walk] / n[walk] for walk in n}

    budget = end.value("sockwatch_walk_budget_ratio")
    equal(budget, 0.01)
    # The one over all comes under "full" too, and what a walk takes is not the same each time.
    most = budget * (now(end) - now(begin)) + 2 * (each["rare"] + 2 * each["full"])
    assert sum(cpu.values()) <= most, f"{cpu} is more than {most}: {n}"
    # How much more often that is depends on how large this kernel's table is, which each of them goes through.
    assert n["rare"] > n["full"] and cpu["rare"] > cpu["full"] / 2, f"the rare walk is not favoured: {n}, {cpu}"


@test("between walks ESTABLISHED follows the connections, and everything says from when it is")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    leaked = Connections(scope, 50)  # CLOSE_WAIT shows what the kernel counts
    daemon = scope.daemon(interval="50ms").wait_ready()
    scraper = Scraper(scope, daemon)

    def is_between(page):
        times = counted(page)
        return times["full_walk"] < times["rare_states"] < now(page) and times["established"] > times["full_walk"]

    page = await_("a sample between walks", lambda: (page := scraper.after(1)) and is_between(page) and page)
    before = page.states()["established"]
    assert before >= N_SOCKETS, before
    equal(page.states()["close_wait"], 50)
    # What is derived is as old as what the last walk found in CLOSE_WAIT, which is taken off it.
    equal(counted(page)["established"], counted(page)["rare_states"])

    told = sockwatch("history", f"--ring.file={daemon.ring}").stdout
    matches(r"states up to \d+\.\d s old", told)

    # More of them, without a walk: the units have what the last one found.
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        held = [socket.create_connection(server.getsockname()) for _ in range(30)]
        page = await_("a later sample between walks", lambda: (page := scraper.after(1)) and is_between(page) and
                      page.states()["established"] == before + 60 and page)
        for connection in held:
            connection.close()
    leaked.close()


WITHOUT_NICE = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice"]


def scheduling_of(pid, name):
    """A question after the policy and the nice value of one of its threads."""
    for thread in map(int, os.listdir(f"/proc/{pid}/task")):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            if file.read().strip() == name:
                return lambda: (os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread))
    raise AssertionError(f"no thread {name}")


ASIDE, ITSELF = (os.SCHED_IDLE, 3), (os.SCHED_BATCH, 3)


@test("it gives way to everybody while it walks over many sockets, and has its share again when it is kept waiting")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    wrappers = [["nice", "-n", "3"]]
    if run(["prlimit", "--nice=20:20", "true"]).returncode == 0:  # takes CAP_SYS_RESOURCE
        wrappers.append(["nice", "-n", "3", "prlimit", "--nice=20:20", *WITHOUT_NICE])
    for wrapper in wrappers:
        daemon = scope.daemon(interval="200ms", walks_always=True, wrapper=wrapper).wait_ready()
        scheduling = scheduling_of(daemon.pid, "sampler")

        def held_aside():
            await_("it steps aside", lambda: scheduling() == ASIDE, every=0)
            held = StuckThread(scope, daemon.pid, "sampler")
            was_aside = scheduling() == ASIDE
            await_("it has its share", lambda: scheduling() == ITSELF)
            held.release()
            return was_aside

        await_("it was held while it walked", held_aside)
        await_("it steps aside again", lambda: scheduling() == ASIDE, every=0)
        await_("and comes back", lambda: scheduling() == ITSELF, every=0)
        equal(scheduling_of(daemon.pid, "sockwatchd")(), (os.SCHED_OTHER, 3))


def times_it_slept(pid, name):
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            status = file.read()
        if status.startswith(f"Name:\t{name}\n"):
            return int(re.search(r"^voluntary_ctxt_switches:\s(\d+)", status, re.M)[1])
    raise AssertionError(f"no thread {name}")


@test("a walk over many sockets rests between its steps")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    daemon = scope.daemon(walks_always=True).wait_ready()
    daemon.wait_samples(3)

    def rests_of_sample():
        slept, n = times_it_slept(daemon.pid, "sampler"), daemon.samples()
        daemon.wait_samples(3)
        return (times_it_slept(daemon.pid, "sampler") - slept) / (daemon.samples() - n)

    # A datagram has some 300 sockets.
    each = rests_of_sample()
    comment(f"{each:.0f} times a sample")
    assert each > N_SOCKETS / 300 / 2, f"it slept {each} times a sample"


@test("where it could not come back it does not step aside")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    daemon = scope.daemon(interval="10ms", walks_always=True,
                          wrapper=["nice", "-n", "3", "prlimit", "--nice=0:", *WITHOUT_NICE]).wait_ready()
    scheduling = scheduling_of(daemon.pid, "sampler")
    n = daemon.samples() + 20
    while daemon.samples() < n:
        for _ in range(100):
            equal(scheduling(), ITSELF)


def is_quiet():
    """Walks pass over the sockets of all namespaces, also those of other tests."""
    with open("/proc/net/sockstat") as file:
        return int(re.search(r"^TCP:.* alloc (\d+)", file.read(), re.M)[1]) < 1000


@test("what takes no longer than a second's work does not step aside")
def _(scope):
    daemon = scope.daemon(interval="10ms", wrapper=["nice", "-n", "3"]).wait_ready()
    scheduling = scheduling_of(daemon.pid, "sampler")

    def was_itself():
        if not is_quiet():
            return False
        daemon.wait_samples(3)
        n = daemon.samples() + 20
        seen = set()
        while daemon.samples() < n:
            seen |= {scheduling() for _ in range(100)}
        return seen == {ITSELF}

    await_("it is itself all the time", was_itself, seconds=120)


@test("while others keep all processors busy, it walks and samples nearly each second all the same")
def _(scope):
    make_sockets(scope, N_SOCKETS)
    daemon = scope.daemon(interval="500ms", walks_always=True).wait_ready()
    for _ in range(4 * len(os.sched_getaffinity(0))):
        scope.process(["sh", "-c", "while :; do :; done"])
    first = daemon.scrape()
    last = await_("20 ticks", lambda: (page := daemon.scrape()) and
                  ticks_of(page) >= ticks_of(first) + 20 and page, every=0.5)
    n_missed = last.value("sockwatch_missed_ticks_total") - first.value("sockwatch_missed_ticks_total")
    comment(f"{n_missed:.0f} of {ticks_of(last) - ticks_of(first):.0f} ticks missed")
    assert n_missed <= 5, f"{n_missed:.0f} ticks missed"


def ticks_of(page):
    return page.value("sockwatch_samples_total") + page.value("sockwatch_missed_ticks_total")


@test("without a budget nothing that walks count is there, all else is, and with one it comes back")
def _(scope):
    path = os.path.join(scope.folder(), "sockwatch.yaml")

    def budget(text):
        with open(path, "w") as file:
            file.write(f"walks: {{ budget: {text} }}\n")

    budget("0%")
    daemon = scope.daemon(f"--config.file={path}", interval="50ms").wait_ready()
    scraper = Scraper(scope, daemon)

    def check_off(page):
        for name in ["sockwatch_tcp_sockets", "sockwatch_unit_tcp_sockets", "sockwatch_listener_sockets", COUNTED,
                     "sockwatch_ephemeral_ports_used", "sockwatch_ephemeral_port_utilization_ratio"]:
            assert f"\n{name}{{" not in page.text and f"\n{name} " not in page.text, name
        equal(page.get("sockwatch_collector_success", collector="tcp"), None, "a collector that does not run")
        equal(page.value("sockwatch_collector_success", collector="listen"), 1)
        assert page.value("sockwatch_tcp_active_opens_total") > 0
        equal(page.value("sockwatch_walk_budget_ratio"), 0)
        return page

    equal(walks(check_off(scraper.after(3)))["full"], (0, 0))

    budget("50%")
    daemon.process.send_signal(signal.SIGHUP)
    page = await_("walks", lambda: (page := scraper.after(1)) and "sockwatch_tcp_sockets{" in page.text and page)
    equal(page.value("sockwatch_collector_success", collector="tcp"), 1)
    assert page.states()["listen"] >= 1

    budget("0")
    daemon.process.send_signal(signal.SIGHUP)
    page = await_("no walks", lambda: (page := scraper.after(1)) and "sockwatch_tcp_sockets{" not in page.text and page)
    n = walks(check_off(page))
    time.sleep(0.5)
    equal(walks(check_off(scraper.after(3))), n, "walks that are turned off")


def prepare():
    need_root()
    own_network()


if __name__ == "__main__":
    main(prepare)
