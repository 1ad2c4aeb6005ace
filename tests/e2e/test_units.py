#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Whose sockets they are, under a real systemd: each kind of unit, with and without each privilege."""

import atexit
import contextlib
import json
import os
import re
import socket
import subprocess

from harness import (Exposition, Scope, await_, clean_environment, comment, equal, get, main, matches, test)
from nspawn import Container

UNIT = "sockwatch.service"
HOST, PORT = "127.0.0.1", 7625
SINK_PORT = 9400

# Opens connections to the sink, takes what comes in, and keeps all of it.
ACTOR = f"""
import ctypes, os, signal, socket, sys

role, n_opened, argument = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
kept = [socket.create_connection(("{HOST}", {SINK_PORT})) for _ in range(n_opened)]

if role == "connection":
    signal.pause()
elif role == "listen":
    listener = socket.create_server(("{HOST}", int(argument[0])), backlog=64)
elif role == "passed":
    listener = socket.socket(fileno=int(argument[0]) if argument else 3)
elif role == "leak":
    listener = socket.create_server(("{HOST}", int(argument[0])), backlog=64)
    if os.fork() > 0:
        listener.close()
        signal.pause()
    ctypes.CDLL(None).prctl(15, b"keeper")  # PR_SET_NAME

while True:
    kept.append(listener.accept())
"""


def actor(*arguments):
    return " ".join(["/usr/bin/python3", "/opt/actor.py", *map(str, arguments)])


class Kind:
    """A way in which a service comes to its listener."""

    def __init__(self, port, unit, n_accepted, n_opened, marked=None, has_instances=False):
        self.port, self.unit = port, unit
        self.n_accepted, self.n_opened = n_accepted, n_opened
        self.marked = marked  # what is told in place of the unit where descriptors may not be read
        self.has_instances = has_instances  # each connection is a service of its own
        self.process = "systemd" if has_instances else "python3"  # that has the listener


scope = Scope()
box = None
clients = []
kinds = []
user_id = None


# ---- the services ----

def service(name, command, more=""):
    box.write(f"/run/systemd/system/{name}", f"[Service]\nExecStart={command}\n{more}")


def user_systemctl(*arguments):
    result = box.run("setpriv", f"--reuid={user_id}", f"--regid={user_id}", "--clear-groups",
                     "env", f"XDG_RUNTIME_DIR=/run/user/{user_id}", "systemctl", "--user", *arguments)
    equal(result.returncode, 0, result.stderr)


def enter_cgroup(path):
    """A control group of the container, that its systemd need not know."""
    folder = os.path.join(box.cgroup, path)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "cgroup.procs"), "w") as file:
        file.write(str(os.getpid()))


def start_bare(cgroup, *arguments, **options):
    """An actor of which systemd knows nothing."""
    command = ["nsenter", "-t", str(box.leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w", *actor(*arguments).split()]
    scope.callback(end, subprocess.Popen(command, preexec_fn=lambda: enter_cgroup("payload/" + cgroup),
                                         stdin=subprocess.DEVNULL, env=clean_environment(), **options))


def end(process):
    process.kill()
    process.wait()


def own(port):
    service("own.service", actor("listen", 2, port))
    box.systemctl("start", "own.service")
    return Kind(port, "own.service", 3, 2)


def template(port):
    service("template@.service", actor("listen", 3, port))
    box.systemctl("start", r"template@a\x2db.service")
    return Kind(port, r"template@a\x2db.service", 5, 3)


def of_user(port):
    box.write("/etc/systemd/user/own.service", f"[Service]\nExecStart={actor('listen', 2, port)}\n")
    user_systemctl("daemon-reload")
    user_systemctl("start", "own.service")
    return Kind(port, f"user@{user_id}.service/own.service", 6, 2)


def bare(port):
    start_bare("bare/\x1b[1mbelow", "listen", 1, port)
    return Kind(port, "/bare/\x1b[1mbelow", 7, 1)


def activated(port):
    box.write("/run/systemd/system/activated.socket", f"[Socket]\nListenStream={HOST}:{port}\n")
    service("activated.service", actor("passed", 1))
    box.systemctl("start", "activated.socket")
    return Kind(port, "activated.service", 4, 1, marked="unattributed")


def activated_by_user(port):
    box.write("/etc/systemd/user/activated.socket", f"[Socket]\nListenStream={HOST}:{port}\n")
    box.write("/etc/systemd/user/activated.service", f"[Service]\nExecStart={actor('passed', 2)}\n")
    user_systemctl("daemon-reload")
    user_systemctl("start", "activated.socket")
    return Kind(port, f"user@{user_id}.service/activated.service", 3, 2, marked="unattributed")


def activated_by_filtering_systemd(port):
    """As systemd does it where it filters by eBPF, which a container may not: the socket is made in a
    control group of the socket unit (socket_address_listen_in_cgroup() in its src/core/socket.c)."""
    enter_cgroup("payload/system.slice/filtered.socket")
    try:
        listener = socket.create_server((HOST, port))
    finally:
        enter_cgroup("")
    with listener:
        start_bare("system.slice/filtered.service", "passed", 1, listener.fileno(), pass_fds=[listener.fileno()])
    return Kind(port, "filtered.service", 2, 1, marked="filtered.socket")


def instances(port):
    """Their units are told apart by the addresses of the connection."""
    box.write("/run/systemd/system/instance.socket", f"[Socket]\nListenStream={HOST}:{port}\nAccept=yes\n")
    service("instance@.service", actor("connection", 1), "StandardInput=socket\nStandardError=journal\n")
    box.systemctl("start", "instance.socket")
    return Kind(port, "init.scope", 2, 1, marked="unattributed", has_instances=True)


def prepare():
    global box, user_id
    atexit.register(scope.close)
    box = Container(scope)
    box.write("/opt/actor.py", ACTOR)
    service("sink.service", actor("listen", 0, SINK_PORT))
    box.systemctl("start", "sink.service")

    equal(box.run("useradd", "sockwatch-e2e").returncode, 0, "useradd")
    user_id = int(box.run("id", "-u", "sockwatch-e2e").stdout)
    box.systemctl("start", f"user@{user_id}.service")

    for number, make in enumerate([own, template, of_user, bare, activated, activated_by_user, activated_by_filtering_systemd,
                                 instances]):
        kinds.append(make(SINK_PORT + 1 + number))
    for kind in kinds:
        clients.extend(connect(kind.port) for _ in range(kind.n_accepted))


def connect(port):
    def connected():
        with contextlib.suppress(ConnectionRefusedError):
            return scope.enter_context(socket.create_connection((HOST, port)))

    return await_(f"a listener on port {port}", connected)


def instance_units(port):
    """How systemd calls the services of these clients: by number, and both ends of the connection."""
    units = box.systemctl("list-units", "--plain", "--no-legend", "--full", "instance@*.service").split("\n")
    names = [line.split()[0] for line in units if line]
    ends = sorted(f"{HOST}:{port}-{HOST}:{c.getsockname()[1]}" for c in clients if c.getpeername()[1] == port)
    equal(sorted(re.sub(r"^instance@\d+-(.*)\.service$", r"\1", name) for name in names), ends, "instances")
    return names


# ---- the daemon, with some privileges ----

class Service:
    """The service as it is shipped, with a drop-in or without, from its start on."""

    def __init__(self, scope, drop_in=None):
        box.systemctl("stop", UNIT)
        path = f"/etc/systemd/system/{UNIT}.d/processes.conf"
        if drop_in:
            box.write(path, drop_in)
            scope.callback(box.systemctl, "daemon-reload")
            scope.callback(box.run, "rm", path)
            box.systemctl("daemon-reload")
        box.run("journalctl", "--sync")
        self.cursor = re.search(r"-- cursor: (\S+)", box.run("journalctl", "--no-pager", "-n0", "--show-cursor").stdout)[1]
        scope.callback(box.systemctl, "stop", UNIT)
        box.systemctl("start", UNIT)

    def log(self):
        box.run("journalctl", "--sync")
        return box.run("journalctl", "--no-pager", "-o", "cat", f"--after-cursor={self.cursor}", "-u", UNIT).stdout

    def told(self):
        """What it says of descriptors that it may not read."""
        return [line for line in self.log().splitlines() if "cannot be found" in line]


def capabilities(*names):
    return f"[Service]\nAmbientCapabilities={' '.join(names)}\nCapabilityBoundingSet={' '.join(names)}\n"


def shipped_drop_in():
    """As it is installed, at the place which the manual names."""
    found = box.run("sh", "-c", "cat /usr/share/doc/sockwatch/processes.conf /usr/local/share/doc/sockwatch/processes.conf")
    matches(r"^AmbientCapabilities=", found.stdout, "processes.conf")
    return found.stdout


def capabilities_held():
    with open(f"/proc/{box.main_pid(UNIT)}/status") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    names = {2: "CAP_DAC_READ_SEARCH", 19: "CAP_SYS_PTRACE"}
    sets = [int(fields[name], 16) for name in ["CapPrm", "CapEff", "CapBnd"]]
    equal(sets, [sets[0]] * 3, "permitted, effective, bounding")
    return {names.get(bit, bit) for bit in range(64) if sets[0] >> bit & 1}


# ---- what it says, as the command reads it: that opens no socket ----

def command(name):
    result = box.run("sockwatch", name, "--json")
    equal((result.returncode, result.stderr), (0, ""), f"sockwatch {name}")
    return json.loads(result.stdout)


def listeners():
    """Unit, process and established connections by port, for those of the test."""
    return {row["port"]: (row["unit"], row["process"], (row["connections"] or {}).get("established"))
            for row in command("listeners")["listeners"] if row["port"] != PORT}


def unix_listeners():
    return {row["path"]: (row["unit"], row["process"]) for row in command("listeners")["unix_listeners"]}


def units():
    """Listeners and established connections by unit."""
    rows = {row["unit"]: (row["tcp_sockets"]["listen"], row["tcp_sockets"]["established"]) for row in command("units")["units"]}
    return {unit: counts for unit, counts in rows.items() if counts != (0, 0) and unit != UNIT}


def expected_listeners(is_privileged):
    n_opened = sum(kind.n_opened * (kind.n_accepted if kind.has_instances else 1) for kind in kinds)
    expected = {SINK_PORT: ("sink.service", "python3", n_opened)}
    for kind in kinds:
        expected[kind.port] = (kind.unit, kind.process, kind.n_accepted)

    if not is_privileged:
        marked = {kind.port: kind.marked for kind in kinds if kind.marked}
        expected = {port: (marked.get(port, unit), None, n) for port, (unit, _, n) in expected.items()}
    return expected


def expected_units(is_privileged):
    """The clients are out of the daemon's sight: their ends are nobody's."""
    expected = {"unattributed": (0, len(clients)), "sink.service": (1, expected_listeners(True)[SINK_PORT][2])}

    def add(unit, n_listeners, n_established):
        before = expected.get(unit, (0, 0))
        expected[unit] = (before[0] + n_listeners, before[1] + n_established)

    for kind in kinds:
        has_what_came_in = is_privileged or not kind.marked
        holders = instance_units(kind.port) if kind.has_instances else [kind.unit]
        add(kind.unit if has_what_came_in else kind.marked, 1, 0)
        for holder in holders:
            add(holder, 0, kind.n_opened)
            add(holder if has_what_came_in else kind.marked, 0, kind.n_accepted // len(holders))
    return expected


def settles(what, read, expected):
    """It comes to be so, and stays so for some samples more."""
    try:
        await_(what, lambda: read() == expected, 30, every=0.1)
    except AssertionError as error:
        now = read()
        raise AssertionError(f"{error}\n" + "\n".join(f"{key}: {now.get(key)}, and not {expected.get(key)}"
                                                      for key in sorted({*now, *expected}, key=str)
                                                      if now.get(key) != expected.get(key))) from None

    last = command("units")["number"] + 3

    def later():
        equal(read(), expected, what)
        return command("units")["number"] >= last

    await_(f"{what}, still", later)


def scrape():
    status, _, body = get(HOST, PORT)
    equal(status, 200, body)
    return Exposition(body)


def sums_are_equal(page):
    for state, total in page.states().items():
        by_unit = [value for (name, labels), value in page.series.items()
                   if name == "sockwatch_unit_tcp_sockets" and dict(labels)["state"] == state]
        equal(sum(by_unit), total, f"sum over units of {state}")


def unprivileged_is_right(service):
    """What needs no privilege, or more than there is."""
    settles("listeners", listeners, expected_listeners(False))
    settles("units", units, expected_units(False))
    equal({unit for unit, _ in unix_listeners().values()}, {"unattributed"}, "units of UNIX listeners")

    page = scrape()
    sums_are_equal(page)
    own = kinds[0]
    equal(page.value("sockwatch_listener_sockets", address=HOST, port=str(own.port), unit=own.unit,
                     state="established"), own.n_accepted)
    n_owners = 1 + len(kinds) + len(unix_listeners())
    assert page.value("sockwatch_not_permitted", what="owners") >= n_owners, page.text
    equal(page.value("sockwatch_not_permitted", what="processes"), 0, "numbers of descriptors need no privilege here")
    assert page.value("sockwatch_unit_open_fds", unit="own.service") >= own.n_accepted + own.n_opened

    # Said once, and the command says it too.
    equal(len(service.told()), 1, service.told())
    return service.told()[0]


@test("without any privilege each unit is right, and only what systemd made for others is marked as unattributed")
def _(scope):
    service = Service(scope)
    equal(capabilities_held(), set())
    matches(r"of \d+ sockets? cannot be found: .* wants CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE$", unprivileged_is_right(service))

    shown = box.run("sockwatch", "listeners").stdout
    matches(r"^owners of \d+ sockets are not known: .* wants CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE$", shown)
    assert r" template@a\x2db.service " in shown and " /bare/?[1mbelow " in shown, shown


@test("with CAP_SYS_PTRACE alone it wants CAP_DAC_READ_SEARCH, and all else works")
def _(scope):
    service = Service(scope, capabilities("CAP_SYS_PTRACE"))
    equal(capabilities_held(), {"CAP_SYS_PTRACE"})
    matches(r"of \d+ sockets? cannot be found: .* wants CAP_DAC_READ_SEARCH$", unprivileged_is_right(service))
    matches(r"^owners of \d+ sockets are not known: .* wants CAP_DAC_READ_SEARCH$", box.run("sockwatch", "listeners").stdout)


@test("with CAP_DAC_READ_SEARCH alone it wants CAP_SYS_PTRACE, and all else works")
def _(scope):
    service = Service(scope, capabilities("CAP_DAC_READ_SEARCH"))
    equal(capabilities_held(), {"CAP_DAC_READ_SEARCH"})
    matches(r"of \d+ sockets? cannot be found: .* wants CAP_SYS_PTRACE$", unprivileged_is_right(service))
    matches(r"^owners of \d+ sockets are not known: .* wants CAP_SYS_PTRACE$", box.run("sockwatch", "listeners").stdout)


@test("with the drop-in that is shipped each unit and process is right, of passed sockets and UNIX listeners too")
def _(scope):
    service = Service(scope, shipped_drop_in())
    equal(capabilities_held(), {"CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE"})
    settles("listeners", listeners, expected_listeners(True))
    settles("units", units, expected_units(True))

    unix = unix_listeners()
    equal(unix["/run/systemd/private"], ("init.scope", "systemd"))
    equal(unix["/run/systemd/journal/stdout"], ("systemd-journald.service", "systemd-journal"))
    equal(unix[f"/run/user/{user_id}/systemd/private"], (f"user@{user_id}.service/init.scope", "systemd"))
    if "/run/dbus/system_bus_socket" in unix:
        equal(unix["/run/dbus/system_bus_socket"][0], "dbus.service")
    equal([path for path, (unit, _) in unix.items() if unit == "unattributed"], [], "UNIX listeners of nobody")

    page = scrape()
    sums_are_equal(page)
    for kind in kinds:
        equal(page.value("sockwatch_listener_sockets", address=HOST, port=str(kind.port), unit=kind.unit, process=kind.process,
                         state="established"), kind.n_accepted)
    equal(page.value("sockwatch_not_permitted", what="owners"), 0)
    equal(service.told(), [])


@test("a service that systemd activates while it is watched is told from systemd, as soon as it has the socket")
def _(scope):
    port = SINK_PORT + 50
    Service(scope, shipped_drop_in())
    box.write("/run/systemd/system/late.socket", f"[Socket]\nListenStream={HOST}:{port}\n")
    service("late.service", actor("passed", 1))
    box.systemctl("daemon-reload")
    scope.callback(box.systemctl, "stop", "late.socket", "late.service")
    box.systemctl("start", "late.socket")

    def has(*row):
        seen = listeners().get(port)
        assert seen is None or seen[:2] in [("unattributed", None), ("init.scope", "systemd"), ("late.service", "python3")], seen
        assert "init.scope" not in units() or units()["init.scope"][1] == 0, "connections are never systemd's"
        return seen == row

    await_("systemd has it", lambda: has("init.scope", "systemd", 0), 30)
    scope.enter_context(socket.create_connection((HOST, port)))
    await_("the service has it", lambda: has("late.service", "python3", 1), 30)
    await_("its connection", lambda: units().get("late.service") == (1, 2), 30)


@test("so is one with a UNIX and a UDP socket, though nobody connects")
def _(scope):
    port, path = SINK_PORT + 51, "/run/passed.sock"
    Service(scope, shipped_drop_in())
    box.write("/run/systemd/system/passed.socket",
              f"[Socket]\nListenStream={path}\nListenDatagram={HOST}:{port}\nBacklog=3\n")
    service("passed.service", "/bin/sleep 1000")
    box.systemctl("daemon-reload")
    scope.callback(box.systemctl, "stop", "passed.socket", "passed.service")
    box.systemctl("start", "passed.socket")

    def rows():
        now = command("listeners")
        return ([(row["unit"], row["process"], row["accept_queue_length"]) for row in now["unix_listeners"] if row["path"] == path],
                [(row["unit"], row["process"]) for row in now["udp_sockets"] if row["port"] == port])

    await_("systemd has them", lambda: rows() == ([("init.scope", "systemd", 0)], [("init.scope", "systemd")]), 30)

    # Long enough for systemd's answer to have grown old: it is searched again in ever longer times.
    before = scrape().value("sockwatch_samples_total")
    await_("some samples more", lambda: scrape().value("sockwatch_samples_total") >= before + 18, 40)
    box.systemctl("start", "passed.service")
    await_("the service has them", lambda: rows() == ([("passed.service", "sleep", 0)], [("passed.service", "sleep")]), 12)


@test("a connection that becomes a service of its own is never told as systemd's")
def _(scope):
    Service(scope, shipped_drop_in())
    port = next(kind.port for kind in kinds if kind.has_instances)
    await_("systemd has the listener", lambda: listeners()[port][0] == "init.scope", 30)
    client = scope.enter_context(socket.create_connection((HOST, port)))
    number = client.getsockname()[1]

    def is_told():
        now = units()
        equal(now["init.scope"], (1, 0), "of systemd itself")
        return [unit for unit, n in now.items() if unit.endswith(f"-{HOST}:{number}.service") and n == (0, 2)]

    unit = await_("the unit of the connection", is_told, 30)[0]
    box.systemctl("stop", unit)


@test("of a unit with several processes, the one that leaks is named; without privileges the unit is")
def _(scope):
    port, n = SINK_PORT + 60, 40
    service("leaking.service", actor("leak", 0, port))
    scope.callback(box.systemctl, "stop", "leaking.service")
    box.systemctl("start", "leaking.service")
    for _ in range(n):
        connect(port).close()

    def leaks():
        page = scrape()
        return (page.get("sockwatch_unit_close_wait_sockets", unit="leaking.service", accepted="yes"),
                {(dict(labels)["unit"], dict(labels)["process"]): value for (name, labels), value in page.series.items()
                 if name == "sockwatch_top_process_close_wait_sockets" and value > 0})

    Service(scope)
    await_("the unit that leaks", lambda: leaks()[0] == n)
    # It is looked into every ten seconds, and at once.
    before = scrape().value("sockwatch_samples_total")
    await_("some samples more", lambda: scrape().value("sockwatch_samples_total") >= before + 5)
    equal(leaks(), (n, {}), "without privileges")

    Service(scope, shipped_drop_in())
    await_("the process that leaks", lambda: leaks() == (n, {("leaking.service", "keeper"): n}), 30)


if __name__ == "__main__":
    main(prepare)
