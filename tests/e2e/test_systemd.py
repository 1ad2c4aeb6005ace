#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The service as it is installed, under a real systemd."""

import atexit
import http.client
import json
import os
import re
import signal
import time

from harness import (Connections, Exposition, Queue, Scope, StuckThread, await_, comment, equal, get, main, matches, test)
from nspawn import Container

UNIT = "sockwatch.service"
HOST, PORT = "127.0.0.1", 7625

scope = Scope()
box = None


def prepare():
    global box
    atexit.register(scope.close)
    box = Container(scope)


class DropIn:
    """Lines added to the service for one test."""

    def __init__(self, scope, text):
        self.path = f"/run/systemd/system/{UNIT}.d/test.conf"
        box.write(self.path, text)
        box.systemctl("daemon-reload")
        scope.callback(self.remove)

    def remove(self):
        box.run("rm", "-f", self.path)
        box.systemctl("daemon-reload")
        box.systemctl("stop", UNIT)
        box.systemctl("reset-failed", UNIT, check=False)


def started(scope):
    """The service, anew: without what the test before left."""
    box.systemctl("stop", UNIT)
    scope.callback(box.systemctl, "stop", UNIT)
    box.systemctl("start", UNIT)


def scrape():
    status, _, body = get(HOST, PORT)
    equal(status, 200, body)
    return Exposition(body)


def samples_go_on(n=2):
    target = scrape().value("sockwatch_samples_total") + n
    await_(f"{n} more samples", lambda: scrape().value("sockwatch_samples_total") >= target)


def journal(since):
    """Messages of the unit from that cursor on."""
    box.run("journalctl", "--sync")
    lines = box.run("journalctl", "--no-pager", "-o", "json", f"--after-cursor={since}", "-u", UNIT).stdout.splitlines()
    return [json.loads(line) for line in lines]


def cursor():
    box.run("journalctl", "--sync")
    return re.search(r"-- cursor: (\S+)", box.run("journalctl", "--no-pager", "-n0", "--show-cursor").stdout)[1]


def ours(since):
    return [entry["MESSAGE"] for entry in journal(since) if entry.get("_COMM") == "sockwatchd"]


def history_inside():
    result = box.run("sockwatch", "history", "--json", "--since=@0")
    equal((result.returncode, result.stderr), (0, ""), "sockwatch history")
    samples = json.loads(result.stdout)
    numbers = [s["number"] for s in samples]
    equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "numbers")
    return samples


@test("it starts, is ready with the first sample, tells its status, logs to the journal, and has no privilege at all")
def _(scope):
    since = cursor()
    started(scope)
    equal(get(HOST, PORT, "/-/ready")[0], 200, "ready as soon as systemd takes it for started")
    equal(box.show(UNIT, "ActiveState"), "active")
    matches(r"Status: \"\d+ established, .* listeners, fullest queue .*; sample \d+ took [\d.]+ ms\"", box.systemctl("status", "--no-pager", UNIT))
    samples_go_on()

    entries = {entry["MESSAGE"]: entry for entry in journal(since) if entry.get("_COMM") == "sockwatchd"}
    told = "\n".join(entries)
    matches(r"^sockwatchd \d+\.\d+\.\d+ starts$", told)
    matches(r"^ring file /run/sockwatch/ring begins, \d+ bytes$", told)
    matches(rf"^serving http://{HOST}:{PORT}/metrics$", told)
    wanting = [message for message in entries if "wants CAP_" in message]
    equal(len(wanting), 1, "what it cannot find out without a privilege is said once")
    equal({entry["PRIORITY"] for message, entry in entries.items() if message not in wanting}, {"6"}, "priorities")
    equal({entry["_TRANSPORT"] for entry in entries.values()}, {"journal"}, "messages that came by stderr have no priority")

    with open(f"/proc/{box.main_pid(UNIT)}/status") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert 61184 <= int(fields["Uid"].split()[0]) <= 65519, fields["Uid"]
    equal([fields[name] for name in ["CapPrm", "CapEff", "CapBnd", "CapAmb"]], ["0" * 16] * 4, "capabilities")
    equal(fields["NoNewPrivs"], "1")


@test("its sampler lets others go first, and nobody else does")
def _(scope):
    def policies():
        pid, found = box.main_pid(UNIT), {}
        for thread in map(int, os.listdir(f"/proc/{pid}/task")):
            with open(f"/proc/{pid}/task/{thread}/comm") as file:
                found.setdefault(file.read().strip(), set()).add(
                    (os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread)))
        return found

    started(scope)
    equal(policies(), {"sampler": {(os.SCHED_BATCH, 0)}, "sockwatchd": {(os.SCHED_OTHER, 0)}})

    # By this it comes back from giving way to everybody. Whether systemd may set it is the machine's.
    equal(box.show(UNIT, "LimitNICE"), "20")

    DropIn(scope, "[Service]\nNice=5\n")
    box.systemctl("restart", UNIT)
    equal(policies(), {"sampler": {(os.SCHED_BATCH, 5)}, "sockwatchd": {(os.SCHED_OTHER, 5)}}, "as somebody wants it")

    DropIn(scope, "[Service]\nCPUSchedulingPolicy=idle\n")
    box.systemctl("restart", UNIT)
    equal(policies(), {"sampler": {(os.SCHED_IDLE, 0)}, "sockwatchd": {(os.SCHED_IDLE, 0)}}, "as somebody wants it")


@test("systemd takes it for started only when the first sample is there")
def _(scope):
    # A /proc whose net/netstat answers only when somebody writes to it.
    box.run("sh", "-ec", "mkdir -p /run/slow/net && chmod -R a+rx /run/slow && cd /run/slow && mkfifo -m 644 net/netstat && "
            "for f in snmp snmp6 sockstat sockstat6; do ln -s /proc/self/net/$f net/; done && ln -s /proc/sys /proc/self .")
    scope.callback(box.run, "rm", "-rf", "/run/slow")
    box.systemctl("stop", UNIT)
    DropIn(scope, "[Service]\nExecStart=\nExecStart=/usr/local/sbin/sockwatchd --procfs.root=/run/slow\n"
           if os.path.exists(f"{box.root}/usr/local/sbin/sockwatchd") else
           "[Service]\nExecStart=\nExecStart=/usr/sbin/sockwatchd --procfs.root=/run/slow\n")
    box.systemctl("start", "--no-block", UNIT)

    def waits():
        try:
            return get(HOST, PORT, "/-/ready")[0] == 503
        except OSError:
            return False

    await_("it serves", waits)
    for _ in range(10):
        equal(box.show(UNIT, "ActiveState"), "activating")
    box.run("sh", "-c", "cat /proc/self/net/netstat > /run/slow/net/netstat")
    await_("active", lambda: box.show(UNIT, "ActiveState") == "active")
    # Each further sample hangs again, and the stop with it; let it have what it waits for.
    box.systemctl("kill", "--signal=KILL", UNIT)


@test("sockets of its network namespace are counted exactly, although it is nobody")
def _(scope):
    started(scope)
    queue = Queue(scope, 3, 5)
    leaked = Connections(scope, 50)
    samples_go_on()
    page = scrape()
    equal(page.value("sockwatch_tcp_sockets", state="close_wait"), 50)
    equal(page.one("sockwatch_listener_accept_queue_length", address="127.0.0.1", port=str(queue.port)), 3)
    for collector in ["tcp", "listen", "netstat", "sockstat", "limits", "fd", "self"]:
        equal(page.value("sockwatch_collector_success", collector=collector), 1, collector)
    leaked.close()
    await_("they are gone", lambda: scrape().value("sockwatch_tcp_sockets", state="close_wait") == 0)


@test("a restart, and a crash, keep the history; a stop gives it up")
def _(scope):
    started(scope)
    samples_go_on(2)
    before = history_inside()
    since = cursor()

    box.systemctl("restart", UNIT)
    samples_go_on(1)
    after = history_inside()
    equal(after[:len(before)], before, "samples from before the restart")
    matches(r"^ring file /run/sockwatch/ring continues after sample \d+$", "\n".join(ours(since)))

    pid = box.main_pid(UNIT)
    os.kill(pid, signal.SIGKILL)
    await_("systemd to start it again", lambda: (new := box.main_pid(UNIT)) and new != pid and box.show(UNIT, "ActiveState") == "active")
    samples_go_on(1)
    equal(history_inside()[:len(after)], after, "samples from before the crash")

    result = box.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sockwatch", "history")
    equal(result.returncode, 3, "history for others")
    matches(r"Permission denied; only root and the daemon may read it", result.stderr)

    box.systemctl("stop", UNIT)
    equal(box.run("ls", "/run/sockwatch/").returncode, 2, "the folder after a stop")


@test("systemctl reload does no harm, and a stop is clean")
def _(scope):
    started(scope)
    since, pid = cursor(), box.show(UNIT, "MainPID")
    box.systemctl("reload", UNIT)
    samples_go_on()
    equal((box.show(UNIT, "MainPID"), box.show(UNIT, "ActiveState")), (pid, "active"))

    box.systemctl("stop", UNIT)
    equal([box.show(UNIT, name) for name in ["ActiveState", "Result", "ExecMainStatus"]], ["inactive", "success", "0"])
    matches(r"^stopping, as told by signal TERM$", "\n".join(ours(since)))
    try:
        get(HOST, PORT)
        raise AssertionError("something still serves")
    except ConnectionRefusedError:
        pass


@test("without AF_NETLINK it exits with 5 and one line that names what is missing")
def _(scope):
    box.systemctl("stop", UNIT)
    since = cursor()
    DropIn(scope, "[Service]\nRestrictAddressFamilies=\nRestrictAddressFamilies=AF_INET AF_UNIX\nRestart=no\n")
    box.systemctl("start", UNIT, check=False)
    await_("failed", lambda: box.show(UNIT, "ActiveState") == "failed")
    equal(box.show(UNIT, "ExecMainStatus"), "5")
    errors = [e["MESSAGE"] for e in journal(since) if e.get("_COMM") == "sockwatchd" and e["PRIORITY"] <= "4"]
    equal(len(errors), 1, errors)
    matches(r"cannot open a netlink socket: .*; allow it, in a unit with AF_NETLINK in RestrictAddressFamilies=", errors[0])


@test("a wrong flag or configuration is not tried again and again")
def _(scope):
    binary = re.search(r"path=(\S+)", box.show(UNIT, "ExecStart"))[1]
    for flag, status in [("--sampling.interval=never", "2"), ("--config.file=/nonexistent/sockwatch.yaml", "6")]:
        box.systemctl("stop", UNIT)
        drop_in = DropIn(scope, f"[Service]\nExecStart=\nExecStart={binary} {flag}\nRestartSec=100ms\n")
        box.systemctl("start", UNIT, check=False)
        await_("failed", lambda: box.show(UNIT, "ActiveState") == "failed")
        time.sleep(0.5)  # five times what a restart would have waited
        equal([box.show(UNIT, name) for name in ["ActiveState", "ExecMainStatus", "NRestarts"]], ["failed", status, "0"])
        drop_in.remove()


@test("flags of a drop-in are the daemon's, without the path of its binary in it")
def _(scope):
    DropIn(scope, '[Service]\nEnvironment="SOCKWATCHD_FLAGS=--sampling.interval=250ms --web.listen-address=127.0.0.1:7626"\n')
    started(scope)
    status, _, body = get(HOST, 7626)
    equal(status, 200, body)
    equal(Exposition(body).value("sockwatch_sampling_interval_seconds"), 0.25)


@test("systemctl reload takes what the configuration file says then, and a wrong file leaves the service active")
def _(scope):
    path = "/run/sockwatch-test.yaml"
    scope.callback(box.run, "rm", "-f", path)
    box.write(path, "tables:\n  units: 7\n")
    DropIn(scope, f"[Service]\nEnvironment=SOCKWATCHD_FLAGS=--config.file={path}\n")
    started(scope)
    since, pid = cursor(), box.show(UNIT, "MainPID")
    for text, pattern in [
        ("tables:\n  units: 8\n", rf"^in force from {path}: .*tables\.units 8,"),
        ("tables:\n  units: 0\n", rf"^{path}:2: tables\.units is 0; wanted: a number of 1 to 256; keeping the settings before$"),
    ]:
        box.write(path, text)
        box.systemctl("reload", UNIT)
        await_(pattern, lambda: re.search(pattern, "\n".join(ours(since)), re.M))
        await_("active", lambda: box.show(UNIT, "ActiveState") == "active")
        samples_go_on()
    equal(box.show(UNIT, "MainPID"), pid)


@test("by its socket unit the first connection starts it, and a restart refuses nobody")
def _(scope):
    DropIn(scope, "[Unit]\nStartLimitIntervalSec=0\n")  # it is started more often than a host would
    box.systemctl("stop", UNIT)
    scope.callback(box.systemctl, "stop", "sockwatch.socket")
    box.systemctl("start", "sockwatch.socket")
    equal((box.show("sockwatch.socket", "ActiveState"), box.show(UNIT, "ActiveState")), ("active", "inactive"))
    since = cursor()
    equal(get(HOST, PORT)[0], 200, "the first scrape")
    await_("active", lambda: box.show(UNIT, "ActiveState") == "active")
    equal("\n".join(ours(since)).count(f"serving http://{HOST}:{PORT}/metrics"), 1, "the passed socket, and no other")

    statuses, n_cut = [], 0
    for _ in range(5):
        n_answered = len(statuses)
        box.systemctl("restart", "--no-block", UNIT)
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            try:
                statuses.append(get(HOST, PORT)[0])  # raises when it is refused
            except (http.client.RemoteDisconnected, ConnectionResetError):
                n_cut += 1  # taken in by the one that was just told to stop
        assert len(statuses) > n_answered
        await_("active", lambda: box.show(UNIT, "ActiveState") == "active")
    comment(f"{len(statuses)} scrapes during five restarts, {n_cut} cut off")
    equal(set(statuses), {200}, "answers during restarts")
    assert n_cut <= 5, "more than one for a restart"
    equal("\n".join(ours(since)).count("stopping, as told by signal TERM"), 5, "restarts")
    samples_go_on(1)
    assert len(history_inside()) > 3


@test("a sampler that hangs is killed by systemd's watchdog and started anew, and what it saw is still there")
def _(scope):
    DropIn(scope, "[Service]\nWatchdogSec=3\nRestartSec=100ms\n")
    started(scope)
    samples_go_on(2)
    since, pid = cursor(), box.main_pid(UNIT)
    stuck = StuckThread(scope, pid, "sampler")
    begin = time.monotonic()
    before = history_inside()

    # Stale after 10 s; then the watchdog is not fed, and bites 3 s later.
    await_("the end of the process", lambda: stuck.reap() or None, 30, every=0.1)
    took = time.monotonic() - begin
    comment(f"killed after {took:.1f} s")
    assert 10 < took < 20, took
    await_("another process", lambda: (new := box.main_pid(UNIT)) and new != pid and box.show(UNIT, "ActiveState") == "active")
    equal(box.show(UNIT, "NRestarts"), "1")
    told = "\n".join(entry["MESSAGE"] for entry in journal(since) if isinstance(entry["MESSAGE"], str))
    matches(r"no sample for 1\d\.\d s, not feeding the watchdog", told)
    matches(r"Watchdog timeout", told)
    matches(rf"ring file /run/sockwatch/ring continues after sample {before[-1]['number']}$", told)

    samples_go_on()
    equal(history_inside()[:len(before)], before, "samples from before the watchdog")


@test("a service that is well is left alone by the watchdog")
def _(scope):
    DropIn(scope, "[Service]\nWatchdogSec=1\n")
    started(scope)
    pid = box.show(UNIT, "MainPID")
    samples_go_on(4)
    equal((box.show(UNIT, "MainPID"), box.show(UNIT, "NRestarts")), (pid, "0"))


if __name__ == "__main__":
    main(prepare)
