#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The whole chain, nothing of it made up: from a program that leaks to whoever is called at night.

A service in a booted systemd leaks connections in CLOSE_WAIT. sockwatchd as it is
installed sees it, Prometheus judges by the rules that are shipped, made faster, and
Alertmanager tells a webhook.
"""

import atexit
import os
import socket
import sys
import time

from harness import (ROOT, Exposition, Scope, await_, comment, equal, get, main, matches, need_program, test)
from nspawn import Container
from prometheus import Alertmanager, Prometheus, Webhook

sys.path.insert(0, os.path.join(ROOT, "tests", "golden"))
import alert_rules  # noqa: E402
import dashboard  # noqa: E402

HOST, PORT, LEAK_PORT = "127.0.0.1", 7625, 9300
ALERT = "SockwatchCloseWaitGrowth"

# Accepts, and forgets to close what its peer has closed.
LEAKING = f"""
import socket
listener = socket.create_server(("{HOST}", {LEAK_PORT}), backlog=128)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("{HOST}", {LEAK_PORT}))
local = socket.socket(socket.AF_UNIX)
local.bind("\\0leaking")
local.listen(5)
kept = []
while True:
    kept.append(listener.accept())
"""

SERVICE = """
[Service]
ExecStart=/usr/bin/python3 /opt/leaking.py
"""

# Sockets of the whole kernel make walks rarer, those of other tests too, and a minute is half a second here.
WALKS_ALWAYS = """
[Service]
Environment=SOCKWATCHD_FLAGS=--config.file=/opt/walks.yaml
"""

scope = Scope()
box = prometheus = webhook = None


def scrape():
    status, _, body = get(HOST, PORT)
    equal(status, 200, body)
    return Exposition(body)


def close_wait():
    return scrape().get("sockwatch_unit_close_wait_sockets", unit="leaking.service", accepted="yes")


def descriptions():
    return [alert["annotations"]["description"] for alert in prometheus.api("alerts")["alerts"]
            if alert["labels"]["alertname"] == ALERT]


def prepare():
    global box, prometheus, webhook
    for program in ["prometheus", "prometheus-alertmanager"]:
        need_program(program)
    atexit.register(scope.close)
    box = Container(scope)

    box.write("/opt/leaking.py", LEAKING)
    box.write("/run/systemd/system/leaking.service", SERVICE)
    box.write("/opt/walks.yaml", "walks: { budget: 100% }\n")
    box.write("/run/systemd/system/sockwatch.service.d/walks.conf", WALKS_ALWAYS)
    box.systemctl("daemon-reload")
    box.systemctl("start", "sockwatch.service", "leaking.service")

    rules = os.path.join(scope.folder(), "rules.yaml")
    with open(rules, "w") as file:
        file.write(alert_rules.faster(alert_rules.read(alert_rules.RULES), minute="500ms"))
    webhook = Webhook(scope)
    prometheus = Prometheus(scope, {"sockwatch": PORT}, rules=rules, alertmanager=Alertmanager(scope, webhook))


def leak(n):
    for _ in range(n):
        socket.create_connection((HOST, LEAK_PORT)).close()


@test("a service that leaks connections is named to whoever is on call until it is restarted, also when it leaks no more")
def _(scope):
    await_("the unit to be known", lambda: close_wait() == 0)
    await_("a floor of 0 to be known",
           lambda: prometheus.query('unit:sockwatch_close_wait_sockets:floor{unit="leaking.service"} == 0'), 60, every=0.2)

    began = time.monotonic()

    def told():
        leak(4)
        return webhook.told("firing", ALERT)

    leak(100)
    alert = await_("the alert", told, 90, every=0.2)
    comment(f"fired after {time.monotonic() - began:.0f} s")
    equal(alert["labels"]["unit"], "leaking.service")
    equal(alert["labels"]["accepted"], "yes")
    matches(r"leaking\.service on .* leaks connections: at least \d+ stay in CLOSE_WAIT, accepted and not closed",
            alert["annotations"]["summary"])
    await_("the process in what is told", lambda: any("python3 holds" in text for text in descriptions()), 30, every=0.2)
    equal({a["labels"].get("unit") for a in webhook.alerts if a["labels"]["alertname"] == ALERT}, {"leaking.service"},
          "units that were named")

    page = scrape()
    process = [dict(labels) for (name, labels), value in page.series.items()
               if name == "sockwatch_top_process_close_wait_sockets" and value > 0]
    equal([(p["process"], p["unit"]) for p in process], [("python3", "leaking.service")], "the process that leaks")

    # More than twice as long as it takes to resolve once it has fallen.
    await_("a floor that has stood for long", lambda: prometheus.query(
        'changes(unit:sockwatch_close_wait_sockets:floor{unit="leaking.service", accepted="yes"}[20s]) == 0'), 60, every=0.2)
    equal(webhook.told("resolved", ALERT), None, "told that it is over while nothing is mended")

    box.systemctl("restart", "leaking.service")
    await_("the end of the alert", lambda: webhook.told("resolved", ALERT), 60, every=0.2)
    comment(f"alerts in all: {[(a['status'], a['labels']['alertname']) for a in webhook.alerts]}")


@test("every expression of the dashboard is answered")
def _(scope):
    def unanswered():
        return dashboard.unanswered(prometheus.url, "sockwatch", f"127.0.0.1:{PORT}", rate_interval="10s", time_range="1m")

    await_("answers", lambda: not unanswered() or comment(unanswered()), 30, every=1)


if __name__ == "__main__":
    main(prepare)
