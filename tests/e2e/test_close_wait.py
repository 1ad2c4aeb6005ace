#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""300 connections that an application forgot to close are read as exactly 300, at once."""

from harness import Connections, STATES, Scraper, Skip, equal, has_ipv6, history, main, own_network, test

LEAKED = 300


@test("300 leaked connections are 300 in CLOSE_WAIT within two ticks, and none once they are closed")
def _(scope):
    daemon = scope.daemon(interval="250ms", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    equal(scraper.after(1).states()["close_wait"], 0, "before")

    leaked = Connections(scope, LEAKED)
    states = scraper.after(2).states()
    equal(states["close_wait"], LEAKED, "CLOSE_WAIT")
    equal(states["fin_wait2"], LEAKED, "FIN_WAIT2, the clients' side")
    equal(states["listen"], 2, "the daemon and the leaking application")
    equal(states["established"], 2, "both sides of our scrape")

    leaked.close()
    states = scraper.after(2).states()
    equal(states["close_wait"], 0, "CLOSE_WAIT after close")
    equal(states["fin_wait2"], 0, "FIN_WAIT2 after close")
    equal(states["listen"], 1, "LISTEN after close")
    equal(daemon.stop(), 0, "exit status")


@test("each single sample in between says 300: there is none with a part of them")
def _(scope):
    daemon = scope.daemon(interval="20ms", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    leaked = Connections(scope, LEAKED)
    first = scraper.after(2).value("sockwatch_samples_total")
    last = scraper.after(30).value("sockwatch_samples_total")
    leaked.close()
    scraper.after(2)
    daemon.stop()

    samples = {s["values"]["samples"]: s["values"]["tcp_close_wait"] for s in history(daemon.ring)[0]}
    between = [samples[n] for n in range(int(first), int(last) + 1)]
    assert len(between) > 30, len(between)
    equal(set(between), {LEAKED}, "counts while they are leaked")
    equal(samples[max(samples)], 0, "after close")


@test("IPv6 connections are counted with the others")
def _(scope):
    daemon = scope.daemon(interval="100ms", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    if not has_ipv6():
        raise Skip("no IPv6 here")
    Connections(scope, 20, host="127.0.0.1")
    Connections(scope, 30, host="::1")
    equal(scraper.after(2).states()["close_wait"], 50)


@test("all eleven states are there at any time, also those that nobody is in")
def _(scope):
    daemon = scope.daemon(interval="50ms", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    for _ in range(5):
        states = scraper.after(1).states()
        equal(sorted(set(states) - {"bound_inactive"}), sorted(STATES))
    for nobody in ["syn_sent", "syn_recv", "fin_wait1", "last_ack", "closing", "close_wait"]:
        equal(states[nobody], 0, nobody)


if __name__ == "__main__":
    main(own_network)
