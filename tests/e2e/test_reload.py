#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""On SIGHUP the configuration file is read again; a wrong one changes nothing."""

import os
import re
import signal
import time

from harness import NotifySocket, await_, equal, main, matches, own_network, test

DEFAULTS = {"tables.listeners": "256", "tables.unix_listeners": "64", "tables.udp_sockets": "64", "tables.units": "128",
            "tables.processes": "20", "tables.destinations": "20", "windows.peak": "1m", "walks.budget": "1%"}


def in_force(**changed):
    """The line that tells of the defaults and of what differs from them."""
    settings = {**DEFAULTS, **{name.replace("__", "."): value for name, value in changed.items()}}
    return ", ".join(f"{name} {value}" for name, value in settings.items())


class Configuration:
    def __init__(self, scope, text):
        self.path = os.path.join(scope.folder(), "sockwatch.yaml")
        self.write(text)

    def write(self, text):
        with open(self.path, "w") as file:
            file.write(text)


def reload(daemon, pattern):
    """SIGHUP, and what the log has to say of it; the line has to be a new one."""
    n = len(re.findall(pattern, daemon.log(), re.M))
    daemon.process.send_signal(signal.SIGHUP)
    await_(f"{pattern!r} once more", lambda: len(re.findall(pattern, daemon.log(), re.M)) == n + 1)


@test("a good file is in force from the start, and after SIGHUP as it is then")
def _(scope):
    file = Configuration(scope, "tables:\n  units: 7\n")
    daemon = scope.daemon(f"--config.file={file.path}", interval="20ms").wait_ready()
    matches(rf"in force from {file.path}: {in_force(tables__units='7')}$", daemon.log())

    file.write("windows:\n  peak: 90s\ntables:\n  processes: 64\n")
    reload(daemon, rf"in force from {file.path}: {in_force(tables__processes='64', windows__peak='90s')}$")
    daemon.wait_samples(3)

    # What is no longer in the file has its default again.
    file.write("")
    reload(daemon, rf"in force from {file.path}: {in_force()}$")
    daemon.wait_samples(3)
    equal(daemon.stop(), 0)


@test("a wrong file is told in one line, changes nothing and ends nothing, and is forgotten after a good one")
def _(scope):
    file = Configuration(scope, "tables:\n  units: 7\n")
    daemon = scope.daemon(f"--config.file={file.path}", interval="20ms").wait_ready()
    before = len(daemon.log().splitlines())

    kept = "; keeping the settings before$"
    for n, (text, pattern) in enumerate([
        ("tables:\n  units: 9\n  listeners: 0\n", r":3: tables\.listeners is 0; wanted: a number of 1 to 512"),
        ("tables:\n  units: 9\ntabels:\n", r':3: unknown key "tabels"; wanted: tables, windows or walks'),
        ("tables:\n  units: 'nine\n", r":2: malformed YAML: .*; wanted: .*"),
        ("#" * 65537, r": larger than 64 KiB; wanted: at most that"),
    ], 1):
        file.write(text)
        reload(daemon, rf"{file.path}{pattern}{kept}")
        daemon.wait_samples(3)
        equal(len(daemon.log().splitlines()), before + n, "lines of the log")

    os.unlink(file.path)
    reload(daemon, rf"{file.path}: No such file or directory; wanted: .*{kept}")
    os.mkfifo(file.path)
    reload(daemon, rf"{file.path}: not a regular file; wanted: one{kept}")
    daemon.wait_samples(3)

    os.unlink(file.path)
    file.write("tables:\n  units: 8\n")
    reload(daemon, rf"in force from {file.path}: {in_force(tables__units='8')}$")
    equal(daemon.stop(), 0)


@test("without --config.file SIGHUP is answered that there is none, and sampling goes on")
def _(scope):
    daemon = scope.daemon(interval="20ms").wait_ready()
    equal("in force" in daemon.log(), False, "a configuration that nobody gave")
    reload(daemon, r"there is no configuration file: none was given with --config.file$")
    daemon.wait_samples(3)
    equal(daemon.stop(), 0)


@test("systemd is told RELOADING=1 with the time, and READY=1 when it is done, of a good file as of a wrong one")
def _(scope):
    notify = NotifySocket(scope)
    file = Configuration(scope, "")
    daemon = scope.daemon(f"--config.file={file.path}", interval="20ms", env={"NOTIFY_SOCKET": notify.path}).wait_ready()
    await_("READY=1 of the start", lambda: notify.times("READY=1"))

    for n, text in enumerate(["tables:\n  units: 7\n", "tables:\n  units: 0\n"], 1):
        file.write(text)
        begin = time.clock_gettime(time.CLOCK_MONOTONIC)
        daemon.process.send_signal(signal.SIGHUP)
        await_("READY=1 once more", lambda: len(notify.times("READY=1")) == n + 1)
        end = time.clock_gettime(time.CLOCK_MONOTONIC)

        reloading = [text for _, text in list(notify.messages) if text.startswith("RELOADING=1\n")]
        equal(len(reloading), n, "messages of a reload")
        usec = int(matches(r"^MONOTONIC_USEC=(\d+)$", reloading[-1])[1])
        assert begin <= usec / 1e6 <= end, (begin, usec, end)
        words = [line for _, line in notify.lines() if line in ("RELOADING=1", "READY=1")]
        equal(words[-2:], ["RELOADING=1", "READY=1"], "their order")


@test("a reload before the first sample does not pass for the end of the start")
def _(scope):
    notify = NotifySocket(scope)
    file = Configuration(scope, "")
    # A /proc whose net/netstat answers only once somebody writes to it holds up the first sample.
    root = scope.folder()
    os.mkdir(os.path.join(root, "net"))
    for name in ["snmp", "snmp6", "sockstat", "sockstat6"]:
        os.symlink(f"/proc/self/net/{name}", os.path.join(root, "net", name))
    for name in ["sys", "self", "stat"]:
        os.symlink(f"/proc/{name}", os.path.join(root, name))
    fifo = os.path.join(root, "net", "netstat")
    os.mkfifo(fifo)

    daemon = scope.daemon(f"--config.file={file.path}", f"--procfs.root={root}", env={"NOTIFY_SOCKET": notify.path})
    file.write("tables:\n  units: 7\n")
    reload(daemon, rf"in force from {file.path}: {in_force(tables__units='7')}$")
    equal([line for _, line in notify.lines()], [], "told to systemd before the first sample")

    with open("/proc/self/net/netstat") as netstat:
        text = netstat.read()
    with open(fifo, "w") as writer:
        writer.write(text)
    await_("READY=1", lambda: notify.times("READY=1"))


if __name__ == "__main__":
    main(own_network)
