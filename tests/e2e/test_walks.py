#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Walks over all sockets take their budget, and what they counted is told with its time in between."""

import os
import resource
import signal
import socket
import time

from harness import Connections, Scraper, await_, equal, main, need_root, own_network, test

N_SOCKETS = 12_000
TCP_REPAIR, REPAIR_ON, REPAIR_OFF_WITHOUT_PROBE = 19, 1, -1

COUNTED = "sockwatch_tcp_counted_timestamp_seconds"


ports = iter(range(10_000, 60_000))  # none twice, as a connection is not gone at once when it is closed


def make_sockets(scope, n):
    """Established connections without a peer (TCP_REPAIR, tcp(7)), which nothing is ever sent on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for i in range(n):
        connection = scope.enter_context(socket.socket())
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
        connection.bind(("127.0.0.1", next(ports)))
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
    assert n["rare"] > 2 * n["full"], f"the rare walk is not favoured: {n}"


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

    # More of them, without a walk: the units have what the last one found.
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        held = [socket.create_connection(server.getsockname()) for _ in range(30)]
        page = await_("a later sample between walks", lambda: (page := scraper.after(1)) and is_between(page) and
                      page.states()["established"] == before + 60 and page)
        for connection in held:
            connection.close()
    leaked.close()


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

    budget("0%")
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
