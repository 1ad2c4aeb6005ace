#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes the daemon in both formats, and answers with what is there.

It asks for OpenMetrics by itself. For the older text format a proxy in this
test changes its Accept header on the way, and nothing else.
"""

import atexit
import contextlib
import http.client
import http.server
import json
import os
import re
import socket
import threading
import urllib.parse
import urllib.request

from harness import (OPENMETRICS, ROOT, STATES, Connections, Queue, Scope, await_, comment, equal, main, matches,
                     need_program, own_network, run, test)
from prometheus import Prometheus

LEAKED, QUEUED, LIMIT = 300, 3, 5
JOBS = ["openmetrics", "text"]

scope = Scope()
daemon = prometheus = leaked = queue = None


class Proxy:
    """Hands on GET to the daemon with another Accept; keeps what was asked and answered."""

    def __init__(self, accept):
        self.seen = set()
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                try:
                    status, headers, body = daemon.get(self.path, headers={"Accept": accept})
                except OSError as error:
                    return self.send_error(502, str(error))
                seen.add((self.headers["Accept"], headers["Content-Type"]))
                body = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", headers["Content-Type"])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        scope.callback(self.server.shutdown)


def prepare():
    global daemon, prometheus, leaked, queue
    need_program("prometheus")
    own_network()

    atexit.register(scope.close)
    daemon = scope.daemon(interval="500ms").wait_ready()
    queue = Queue(scope, QUEUED, LIMIT)
    leaked = Connections(scope, LEAKED)
    listening = scope.enter_context(socket.socket(socket.AF_UNIX))
    listening.bind("\0listening")
    listening.listen(5)
    scope.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", 0))
    daemon.wait_samples(2)
    proxy = Proxy("text/plain; version=0.0.4")
    prometheus = Prometheus(scope, {"openmetrics": daemon.port, "text": proxy.port})
    prometheus.proxy = proxy
    await_("both targets", lambda: len(prometheus.query("up == 1")) == 2, 30, every=0.2)
    # A few scrapes on, so that there are rates as well.
    await_("scrapes", lambda: all(v >= 3 for _, v in prometheus.query("count_over_time(up[1m])")) or None, 30, every=0.2)


def page(job):
    """What the daemon says right now, in the format of the job."""
    return daemon.scrape(headers={"Accept": OPENMETRICS} if job == "openmetrics" else {"Accept": "text/plain"})


@test("Prometheus is up for both formats, and each is what it took")
def _(_):
    equal(sorted((m["job"], v) for m, v in prometheus.query("up")), [("openmetrics", 1), ("text", 1)])
    equal({t["health"] for t in prometheus.api("targets")["activeTargets"]}, {"up"})
    equal({t["lastError"] for t in prometheus.api("targets")["activeTargets"]}, {""})
    for accept, content_type in prometheus.proxy.seen:
        matches(r"application/openmetrics-text", accept, "what Prometheus asks for")
        equal(content_type, "text/plain; version=0.0.4; charset=utf-8")
    _, headers, _ = daemon.get(headers={"Accept": next(iter(prometheus.proxy.seen))[0]})
    equal(headers["Content-Type"], "application/openmetrics-text; version=1.0.0; charset=utf-8", "what it gets without the proxy")


@test("every series of the page is in Prometheus, with the labels it has on the page, and no other")
def _(_):
    for job in JOBS:
        def difference():
            wanted = set(page(job).series)
            found = set()
            for labels, _ in prometheus.query(f'{{job="{job}",__name__!~"up|scrape_.*"}}'):
                name = labels.pop("__name__")
                del labels["job"], labels["instance"]
                found.add((name, tuple(sorted(labels.items()))))
            return wanted ^ found

        await_(f"the same series in {job}", lambda: not difference(), 10, every=0.5)
        assert len(page(job).series) > 100
        comment(f"{len(page(job).series)} series of {len(page(job).families)} metrics in {job}")


@test("every metric that the catalogue's source names is answered by Prometheus")
def _(_):
    with open(os.path.join(ROOT, "exporters", "prometheus", "catalogue.c")) as file:
        names = set(re.findall(r'"((?:sockwatch|process)_[a-z0-9_]+)"', file.read()))
    assert len(names) > 80, "the catalogue was not understood"
    text = page("text")
    shown = {name for name, _ in text.series}
    equal(shown - names, set(), "metrics that are not in the catalogue")
    # Limits that the kernel shows in its first network namespace alone, or with a module that may not be loaded.
    elsewhere = {"sockwatch_tcp_max_orphans", "sockwatch_tcp_memory_limit_bytes"} | {n for n in names if "conntrack" in n}
    equal(names - shown - elsewhere, set(), "metrics of the catalogue that are not on the page")
    for name in sorted(shown):
        equal({m["job"] for m, _ in prometheus.query(name)}, set(JOBS), name)


@test("type, help and unit are in Prometheus as they are on the page")
def _(_):
    for job in JOBS:
        families = page(job).families
        metadata = {}
        for row in prometheus.api("targets/metadata", match_target=f'{{job="{job}"}}'):
            metadata[row["metric"]] = {"type": row["type"], "help": row["help"], "unit": row["unit"]}
        equal(set(families) ^ set(metadata), set(), f"metrics of {job}")
        for name, family in families.items():
            equal(metadata[name], family, f"{name} in {job}")
    types = {name: family["type"] for name, family in page("openmetrics").families.items()}
    equal((types["sockwatch_build"], types["sockwatch_tcp_sockets"], types["sockwatch_samples"]), ("info", "gauge", "counter"))
    assert all(family["help"] for family in families.values())

    by_name = prometheus.api("metadata")
    for name, family in page("text").families.items():
        assert family["type"] in {row["type"] for row in by_name[name]} | {"gauge"}, name
        assert family["help"] in {row["help"] for row in by_name[name]}, name


@test("numbers that stand still are the same in Prometheus, in both formats")
def _(_):
    # A counter that is the same before and after was the same in between; other gauges than these may have come back.
    lasting = re.compile(r".*_total|.*(limit|max|interval|build_info).*")
    before = page("text")
    begin = max(v for _, v in prometheus.query("count_over_time(up[5m])"))
    await_("two scrapes", lambda: min(v for _, v in prometheus.query("count_over_time(up[5m])")) >= begin + 2, 15, every=0.2)
    found = {}
    for labels, value in prometheus.query('{__name__=~"sockwatch_.*|process_.*"}'):
        name, job = labels.pop("__name__"), labels.pop("job")
        del labels["instance"]
        found[name, tuple(sorted(labels.items())), job] = value
    after = page("text")
    still = [key for key, value in before.series.items() if after.series.get(key) == value and lasting.fullmatch(key[0])]
    assert len(still) > 60, len(still)
    for name, labels in still:
        for job in JOBS:
            equal(found[name, labels, job], after.series[name, labels], f"{name} {labels} in {job}")


@test("a full queue and 300 leaked connections are answered by queries")
def _(_):
    for job in JOBS:
        def one(expression):
            rows = prometheus.query(expression.replace("{", f'{{job="{job}",', 1))
            equal(len(rows), 1, expression)
            return rows[0][1]

        # Our own short connections may be in this state, too, for the moment of a sample.
        await_("300", lambda: one('sockwatch_tcp_sockets{state="close_wait"}') == LEAKED, 10, every=0.3)
        equal(one(f'sockwatch_listener_accept_queue_length{{port="{queue.port}"}}'), QUEUED)
        equal(one(f'sockwatch_listener_accept_queue_limit{{port="{queue.port}"}}'), LIMIT)
        equal(one(f'sockwatch_listener_accept_queue_utilization_ratio{{port="{queue.port}"}}'), QUEUED / (LIMIT + 1))
        equal({m["state"] for m, _ in prometheus.query(f'sockwatch_tcp_sockets{{job="{job}"}}')} - {"bound_inactive"}, set(STATES))
    rows = prometheus.query('sockwatch_listener_accept_queue_length / sockwatch_listener_accept_queue_limit > 0.5')
    equal({(m["address"], m["port"]) for m, _ in rows}, {("127.0.0.1", str(queue.port))}, "the listener that a query singles out")


@test("promtool has nothing to say about the page")
def _(_):
    text = page("text").text
    result = run([need_program("promtool"), "check", "metrics"], input=text)
    equal((result.returncode, result.stdout, result.stderr), (0, "", ""))


@test("the rate of samples that Prometheus works out is the rate of sampling")
def _(_):
    rate = "rate(sockwatch_samples_total{job='openmetrics'}[10s])"
    await_("a rate", lambda: prometheus.query(rate) and 1.8 < prometheus.query(rate)[0][1] < 2.2, 20, every=0.5)


@test("Prometheus has nothing to say about the scrapes: no warning, no error")
def _(_):
    bad = [line for line in prometheus.log().splitlines() if re.search(r"level=(warn|error)", line)]
    equal(bad, [])
    assert "level=debug" in prometheus.log() or "level=info" in prometheus.log(), "there is no log at all"
    for name in ["scrape_samples_scraped", "scrape_samples_post_metric_relabeling"]:
        equal({m["job"]: v for m, v in prometheus.query(name)}, {job: len(page(job).series) for job in JOBS}, name)


@test("once they are closed Prometheus sees 0, and the series stays")
def _(_):
    leaked.close()
    query = 'sockwatch_tcp_sockets{state="close_wait"}'
    await_("0 in both", lambda: [v for _, v in prometheus.query(query)] == [0, 0], 10, every=0.2)


@test("a restart is a reset of the counters, and the history goes on from where it was")
def _(_):
    global daemon
    oldest = "sockwatch_ring_oldest_sample_timestamp_seconds"
    before = page("text").value(oldest)
    equal(daemon.stop(), 0)
    await_("down", lambda: [v for _, v in prometheus.query('up{job="openmetrics"}')] == [0], 10, every=0.1)
    daemon = scope.daemon(interval="500ms", ring=daemon.ring, listen=f"127.0.0.1:{daemon.port}").wait_ready()
    await_("up again", lambda: [v for _, v in prometheus.query("up")] == [1, 1], 10, every=0.1)
    await_("a reset", lambda: {v for _, v in prometheus.query("resets(sockwatch_samples_total[1m])")} == {1}, 10, every=0.2)
    equal({v for _, v in prometheus.query(oldest)}, {before}, "the oldest sample")


if __name__ == "__main__":
    main(prepare)
