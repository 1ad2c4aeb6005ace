#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A start either works or says in one line what, where and what to do; and the command beside it."""

import atexit
import ctypes
import errno
import fcntl
import json
import os
import platform
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

from harness import (ROOT, RING_BYTES_MIN, SOCKWATCH, SOCKWATCHD, Daemon, NotifySocket, Queue, Scope, Skip, await_,
                     clean_environment, die_with_parent, equal, get, has_ipv6, history, libc, main, matches, need_root,
                     own_network, run, sockwatch, test)

USAGE, LISTEN, RING, SOURCES, CONFIGURATION = 2, 3, 4, 5, 6

dead = None  # a ring whose daemon has ended; made first, as it has to grow old


def fails(status, pattern, command, **options):
    """Runs sockwatchd: that status, and one line that fits."""
    result = run(command, seconds=10, **options)
    lines = result.stderr.splitlines()
    equal((result.returncode, len(lines), result.stdout), (status, 1, ""), result.stderr)
    assert lines[0].startswith("sockwatchd: "), lines[0]
    matches(pattern, lines[0], command)


def start(scope, *flags, ring=None):
    """A command line that would start, but for the flags given last."""
    ring = ring or os.path.join(scope.folder(), "ring")
    return [SOCKWATCHD, "--web.listen-address=127.0.0.1:0", f"--ring.size={RING_BYTES_MIN}", f"--ring.file={ring}", *flags]


# ---- flags ----

@test("a flag that is unknown, has a bad value or none ends with status 2 and names flag and remedy")
def _(scope):
    for pattern, flag in [
        (r'unknown flag "--no.such".* sockwatchd --help', "--no.such"),
        (r'unknown flag "--no.such=1"', "--no.such=1"),
        (r'unknown flag "-v"', "-v"),
        (r'unknown flag "--"', "--"),
        (r'unknown flag "---help"', "---help"),
        (r'unknown argument "start"', "start"),
        (r'unknown argument ""', ""),
        (r"--help takes no value", "--help=yes"),
        (r"--sampling.interval has no value; wanted: a duration of 10ms to 1h", "--sampling.interval"),
        (r'--sampling.interval has a bad value "9ms"; wanted: a duration', "--sampling.interval=9ms"),
        (r'--sampling.interval has a bad value "2h"', "--sampling.interval=2h"),
        (r'--sampling.interval has a bad value "1"', "--sampling.interval=1"),
        (r'--sampling.interval has a bad value "-1s"', "--sampling.interval=-1s"),
        (r'--sampling.interval has a bad value ""', "--sampling.interval="),
        (r'--sampling.interval has a bad value "99999999999999999999s"', "--sampling.interval=99999999999999999999s"),
        (r'--ring.size has a bad value "1KiB"; wanted: a size of 2052KiB to 16GiB', "--ring.size=1KiB"),
        (r'--ring.size has a bad value "17GiB"', "--ring.size=17GiB"),
        (r'--ring.size has a bad value "64M"; wanted: .* in bytes, KiB, MiB or GiB', "--ring.size=64M"),
        (r'--ring.size has a bad value "18446744073709551617"', "--ring.size=18446744073709551617"),
        (r"--ring.file has a bad value", "--ring.file="),
        (r"--config.file has a bad value \"\"; wanted: a path", "--config.file="),
        (r"--procfs.root has a bad value", "--procfs.root="),
        (r'--log.level has a bad value "loud"; wanted: error, warn, info or debug', "--log.level=loud"),
        (r'--web.listen-address has a bad value "localhost:1"; wanted: a numeric address', "--web.listen-address=localhost:1"),
        (r"--web.listen-address has a bad value", "--web.listen-address=127.0.0.1"),
        (r"--web.listen-address has a bad value", "--web.listen-address=127.0.0.1:65536"),
        (r"--web.listen-address has a bad value", "--web.listen-address=[::1:1"),
        (r"--web.listen-address has a bad value", "--web.listen-address=::1:1"),
        # What came from a script's variable may be anything, and is still one line.
        (r"--log.level has a bad value", "--log.level=a\nb"),
    ]:
        fails(USAGE, pattern, start(scope, flag))


@test("a ninth address to listen on is one too many")
def _(scope):
    fails(USAGE, r"--web.listen-address .* at most 8 times", start(scope, *["--web.listen-address=127.0.0.1:0"] * 8))


@test("--help and --version answer on stdout and end with 0")
def _(scope):
    for flag, pattern in [("--help", r"--web.listen-address=ADDRESS:PORT"), ("-h", "Exit status: 0 "),
                          ("--version", r"\Asockwatchd \d+\.\d+\.\d+\n\Z")]:
        result = run([SOCKWATCHD, flag])
        equal((result.returncode, result.stderr), (0, ""), flag)
        matches(pattern, result.stdout)


@test("a value may also be the next word")
def _(scope):
    daemon = scope.daemon("--sampling.interval", "30ms", "--log.level", "debug").wait_ready()
    equal(daemon.scrape().value("sockwatch_sampling_interval_seconds"), 0.03)


# ---- addresses ----

@test("a port that is in use ends with status 3 and leaves no ring file behind")
def _(scope):
    other = scope.enter_context(socket.create_server(("127.0.0.1", 0)))
    address = "127.0.0.1:%d" % other.getsockname()[1]
    ring = os.path.join(scope.folder(), "ring")
    fails(LISTEN, rf"cannot listen on {address}: Address already in use; .*--web.listen-address",
          start(scope, f"--web.listen-address={address}", ring=ring))
    equal(os.path.exists(ring), False, "a ring file")


@test("an address that is not this host's ends with status 3")
def _(scope):
    fails(LISTEN, r"cannot listen on 192.0.2.1:7625: Cannot assign requested address; give an address of this host",
          start(scope, "--web.listen-address=192.0.2.1:7625"))


@test("a privileged port without the privilege ends with status 3 and asks for another")
def _(scope):
    need_root()
    # In a namespace of its own root may decide who may bind what.
    command = start(scope, "--web.listen-address=127.0.0.1:80", ring="/tmp/sockwatch-e2e-never/ring")
    fails(LISTEN, r"cannot listen on 127.0.0.1:80: Permission denied; give a port of 1024 or more",
          [*as_nobody(), copy_for_all(scope), *command[1:]])


@test("the default address is 127.0.0.1:7625, and :0, IPv6 and several addresses work")
def _(scope):
    daemon = scope.daemon(listen=None).wait_ready()
    equal((daemon.host, daemon.port), ("127.0.0.1", 7625))
    equal(daemon.stop(), 0)

    daemon = scope.daemon(listen=":0").wait_ready()
    equal(daemon.addresses[0][0], "::")
    equal(get("127.0.0.2", daemon.port)[0], 200, "every IPv4 address")
    if has_ipv6():
        equal(get("::1", daemon.port)[0], 200, "and IPv6")

    several = ["--web.listen-address=127.0.0.2:0"] + ["--web.listen-address=[::1]:0"] * has_ipv6()
    daemon = scope.daemon(*several)
    daemon.wait_served(1 + len(several))
    daemon.wait_ready()
    equal(sorted({host for host, _ in daemon.addresses}), sorted({"127.0.0.1", "127.0.0.2"} | ({"::1"} if has_ipv6() else set())))
    for host, port in daemon.addresses:
        equal(get(host, port)[0], 200, host)
    port = dict(daemon.addresses)["127.0.0.2"]
    try:
        get("127.0.0.1", port)
        raise AssertionError("127.0.0.1 answers on a port that only 127.0.0.2 was given")
    except ConnectionRefusedError:
        pass


@test("a second start on the same port works at once after a stop, in spite of TIME_WAIT")
def _(scope):
    daemon = scope.daemon().wait_ready()
    daemon.scrape(headers={"Connection": "close"})
    equal(daemon.stop(), 0)
    again = scope.daemon(listen=f"127.0.0.1:{daemon.port}").wait_ready()
    equal(again.port, daemon.port)


# ---- sockets that systemd passes ----

def with_passed(scope, sockets, *flags, **options):
    """Starts the daemon as systemd would: sockets from descriptor 3 on."""
    def pass_sockets():
        die_with_parent()
        for i, s in enumerate(sockets):
            fd = os.dup(s.fileno()) if s.fileno() != 3 + i else s.fileno()
            os.dup2(fd, 3 + i)
            os.set_inheritable(3 + i, True)

    # Out of the way of 3, 4, …, so that none is overwritten before it is copied.
    sockets = [scope.enter_context(socket.socket(fileno=fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 100))) for s in sockets]
    return dict(flags=flags, preexec=pass_sockets, pass_fds=range(3, 3 + len(sockets)),
                wrapper=["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"'], env={"LISTEN_FDS": str(len(sockets))}, **options)


@test("passed sockets take the place of the default address")
def _(scope):
    sockets = [scope.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
    options = with_passed(scope, sockets, listen=None)
    daemon = scope.daemon(*options.pop("flags"), **options)
    daemon.wait_served(2)
    daemon.wait_ready()
    equal(sorted(port for _, port in daemon.addresses), sorted(s.getsockname()[1] for s in sockets))
    for s in sockets:
        equal(get("127.0.0.1", s.getsockname()[1])[0], 200)
    try:
        get("127.0.0.1", 7625)
        raise AssertionError("it listens on the default address as well")
    except ConnectionRefusedError:
        pass
    equal(daemon.stop(), 0)
    # Theirs is not ours to close: whoever connects now waits for the next start.
    scope.enter_context(socket.create_connection(sockets[0].getsockname()))


@test("passed sockets and given addresses are both served")
def _(scope):
    passed = scope.enter_context(socket.create_server(("127.0.0.1", 0)))
    options = with_passed(scope, [passed], listen="127.0.0.2:0")
    daemon = scope.daemon(*options.pop("flags"), **options)
    daemon.wait_served(2)
    daemon.wait_ready()
    for host, port in daemon.addresses:
        equal(get(host, port)[0], 200, host)
    equal({host for host, _ in daemon.addresses}, {"127.0.0.1", "127.0.0.2"})


@test("a passed socket that does not listen ends with status 3")
def _(scope):
    datagram = scope.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    options = with_passed(scope, [datagram])
    fails(LISTEN, r"file descriptor 3 from systemd is not a listening stream socket", [*options["wrapper"], *start(scope)],
          env=clean_environment(**options["env"]), preexec_fn=options["preexec"], pass_fds=options["pass_fds"])


# ---- the configuration file ----

@test("a configuration file that is wrong ends with status 6, names line, fault and remedy, and leaves no ring file")
def _(scope):
    folder = scope.folder()
    path, ring = os.path.join(folder, "sockwatch.yaml"), os.path.join(folder, "ring")
    for text, line, pattern in [
        (b"tables:\n\n  listeners: 0\n", 3, r"tables\.listeners is 0; wanted: a number of 1 to 512$"),
        (b"windows:\n  peak: 2h\n", 2, r"windows\.peak is 2h; wanted: a duration of 1s to 1h"),
        (b"windows:\n  peak:\n", 2, r"windows\.peak has no value; wanted: a duration"),
        (b"tables:\ntabels:\n", 2, r'unknown key "tabels"; wanted: tables, windows or walks$'),
        (b"tables:\n  units: 1\n  foo: 1\n", 3, r'unknown key "foo" in tables; wanted: listeners, .* or destinations$'),
        (b"tables:\n  units: 1\n  units: 1\n", 3, r"tables\.units is there twice; wanted: once$"),
        (b"tables:\n  units: [1]\n", 2, r"tables\.units is a list; wanted: a number of 1 to 256$"),
        (b"# c\ntables: 5\n", 2, r"tables is a single value; wanted: a mapping of listeners"),
        (b"\n- tables\n", 2, r"the file is a list; wanted: a mapping of tables, windows or walks$"),
        (b"tables:\n\tunits: 1\n", 2, r"malformed YAML: found character that cannot start any token; wanted: "),
        (b"tables:\n  units: \xff\n", 2, r"malformed YAML: invalid leading UTF-8 octet; wanted: "),
        (b"tables:\n---\nwindows:\n", 2, r"a second document; wanted: one$"),
    ]:
        with open(path, "wb") as file:
            file.write(text)
        fails(CONFIGURATION, rf"^sockwatchd: {path}:{line}: {pattern}", start(scope, f"--config.file={path}", ring=ring))
    equal(os.path.exists(ring), False, "a ring file")


@test("a configuration that is missing, a folder, a FIFO, a device or too large ends with status 6")
def _(scope):
    folder = scope.folder()
    for path in ["/nonexistent/sockwatch.yaml", os.path.join(folder, "none")]:
        fails(CONFIGURATION, rf"{path}: No such file or directory; wanted: a file that sockwatchd may read$",
              start(scope, f"--config.file={path}"))

    fifo, large = os.path.join(folder, "fifo"), os.path.join(folder, "large")
    os.mkfifo(fifo)
    for path in [folder, fifo, "/dev/null"]:
        fails(CONFIGURATION, rf"{path}: not a regular file; wanted: one$", start(scope, f"--config.file={path}"))

    with open(large, "w") as file:
        file.write("#" * 65537)
    fails(CONFIGURATION, rf"{large}: larger than 64 KiB; wanted: at most that$", start(scope, f"--config.file={large}"))
    fails(CONFIGURATION, r": File name too long; wanted: ", start(scope, "--config.file=/" + "x/" * 3000))


@test("a configuration that may not be read ends with status 6")
def _(scope):
    need_root()
    path = os.path.join(scope.folder(), "sockwatch.yaml")
    with open(path, "w") as file:
        os.chmod(file.fileno(), 0o600)
    fails(CONFIGURATION, rf"{path}: Permission denied; wanted: a file that sockwatchd may read$",
          [*as_nobody(), copy_for_all(scope), *start(scope, f"--config.file={path}")[1:]])


# ---- the ring file ----

@test("a ring path that is a folder, a link, a FIFO or a device ends with status 4 and is left as it is")
def _(scope):
    folder = scope.folder()
    target = os.path.join(folder, "precious")
    with open(target, "w") as file:
        file.write("precious")
    paths = {kind: os.path.join(folder, kind) for kind in ["folder", "link", "dangling", "fifo"]}
    os.mkdir(paths["folder"])
    os.symlink(target, paths["link"])
    os.symlink("/nonexistent", paths["dangling"])
    os.mkfifo(paths["fifo"])
    before = sorted(os.listdir(folder))

    for path in [*paths.values(), "/dev/null"]:
        fails(RING, rf"cannot use ring file {path}: .*not a regular file: give one with --ring.file", start(scope, ring=path))
    fails(RING, rf"cannot use ring file {target}: .*; it is a file of something else, and was left as it is: give another name",
          start(scope, ring=target))
    equal(sorted(os.listdir(folder)), before, "what is in the folder")
    with open(target) as file:
        equal(file.read(), "precious")


@test("a ring folder that is missing, is a file or cannot be written ends with status 4")
def _(scope):
    folder = scope.folder()
    fails(RING, r"cannot use ring file .*/none/ring: No such file or directory; .*--ring.file",
          start(scope, ring=os.path.join(folder, "none", "ring")))
    open(os.path.join(folder, "file"), "w").close()
    fails(RING, r"cannot use ring file .*: Not a directory; .*--ring.file", start(scope, ring=os.path.join(folder, "file", "ring")))
    fails(RING, r"cannot use ring file .*: File name too long", start(scope, ring=os.path.join(folder, "x" * 300)))
    fails(RING, r"cannot use ring file .*: File name too long", start(scope, ring="/" + "x/" * 3000 + "ring"))

    need_root()
    fails(RING, rf"cannot use ring file {folder}/ring: Permission denied; give a file in a folder that can be written",
          [*as_nobody(), copy_for_all(scope), *start(scope, ring=os.path.join(folder, "ring"))[1:]])


@test("a ring that another daemon writes ends with status 4, and the other goes on")
def _(scope):
    daemon = scope.daemon(interval="20ms").wait_ready()
    fails(RING, rf"cannot use ring file {daemon.ring}: .*another process has locked it, most likely another sockwatchd", start(scope, ring=daemon.ring))
    daemon.wait_samples(3)
    equal(os.listdir(daemon.folder), ["ring"])


# ---- sources ----

@test("a root of /proc or /sys that is not there ends with status 5 and names the flag")
def _(scope):
    file = os.path.join(scope.folder(), "file")
    open(file, "w").close()
    for flag in ["--procfs.root", "--sysfs.root"]:
        fails(SOURCES, rf"cannot open /nonexistent: No such file or directory; .*{flag}", start(scope, f"{flag}=/nonexistent"))
        fails(SOURCES, rf"cannot open {file}: Not a directory; .*{flag}", start(scope, f"{flag}={file}"))


@test("a root of /proc that is no /proc ends with status 5, and one that has only some of it does not")
def _(scope):
    root = scope.folder()
    fails(SOURCES, rf"{root} is no /proc, it holds neither net nor self; .*--procfs.root", start(scope, f"--procfs.root={root}"))
    os.symlink("/proc/self", os.path.join(root, "self"))
    scope.daemon(f"--procfs.root={root}", interval="50ms").wait_ready()


def refuse_netlink(error):
    """For preexec_fn: socket(AF_NETLINK, …) fails, as RestrictAddressFamilies= makes it."""
    numbers = {"x86_64": 41, "aarch64": 198, "riscv64": 198}
    if platform.machine() not in numbers:
        raise Skip("the number of socket(2) is not known here")
    program = [
        (0x20, 0, 0, 0),                             # load the number of the system call
        (0x15, 0, 3, numbers[platform.machine()]),   # not socket(): allow
        (0x20, 0, 0, 16),                            # load the low half of its first argument
        (0x15, 0, 1, socket.AF_NETLINK),             # not netlink: allow
        (0x06, 0, 0, 0x00050000 | error),            # SECCOMP_RET_ERRNO
        (0x06, 0, 0, 0x7FFF0000),                    # SECCOMP_RET_ALLOW
    ]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(filters)))

    def install():
        die_with_parent()
        ok = libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(header)) == 0
        assert ok, "no seccomp"

    install.keep = filters
    return install


@test("without netlink it ends with status 5, and the line names what has to be allowed")
def _(scope):
    for error in [errno.EAFNOSUPPORT, errno.EPERM]:
        fails(SOURCES, rf"cannot open a netlink socket: {os.strerror(error)}; .*AF_NETLINK in RestrictAddressFamilies=",
              start(scope), preexec_fn=refuse_netlink(error))
    fails(SOURCES, r"cannot open a netlink socket: Protocol not supported; this kernel needs CONFIG_INET_DIAG",
          start(scope), preexec_fn=refuse_netlink(errno.EPROTONOSUPPORT))


def as_nobody():
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--pdeathsig=KILL", "--"]


def copy_for_all(scope):
    """The binary where everybody may run it."""
    path = os.path.join(scope.folder(), "sockwatchd")
    shutil.copy(SOCKWATCHD, path)
    os.chmod(path, 0o755)
    return path


# ---- running and ending ----

@test("SIGTERM and SIGINT end it with 0 and a word; SIGHUP does not end it")
def _(scope):
    for number, name in [(signal.SIGTERM, "TERM"), (signal.SIGINT, "INT")]:
        daemon = scope.daemon(interval="20ms").wait_ready()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_samples(2)
        begin = time.monotonic()
        equal(daemon.stop(number), 0, name)
        assert time.monotonic() - begin < 2, "it took its time"
        matches(rf"stopping, as told by signal {name}$", daemon.log())


@test("a stop that comes with the start ends it with 0 as well")
def _(scope):
    for delay in [0.002, 0.005, 0.01, 0.02]:
        daemon = Daemon(scope, interval="20ms")
        scope.callback(daemon.kill)
        daemon.wait_log("serving http")
        time.sleep(delay)
        equal(daemon.stop(), 0)


def slow_proc(scope):
    """A /proc whose net/netstat answers only once somebody writes to it: a first sample that takes its time."""
    root = scope.folder()
    os.mkdir(os.path.join(root, "net"))
    for name in ["snmp", "snmp6", "sockstat", "sockstat6"]:
        os.symlink(f"/proc/self/net/{name}", os.path.join(root, "net", name))
    os.mkfifo(os.path.join(root, "net", "netstat"))
    for name in ["sys", "self", "stat"]:
        os.symlink(f"/proc/{name}", os.path.join(root, name))
    return root


@test("READY=1 and a status come with the first sample, and not before it")
def _(scope):
    notify = NotifySocket(scope)
    root = slow_proc(scope)
    daemon = scope.daemon(f"--procfs.root={root}", env={"NOTIFY_SOCKET": notify.path})

    status, _, body = daemon.get("/-/ready")
    equal((status, body), (503, "starting: the first sample is being taken\n"))
    equal(daemon.get("/-/healthy")[0], 200, "starting is healthy")
    status, _, body = daemon.get("/metrics")
    equal((status, body), (503, "No sample has been taken yet.\n"))
    equal(notify.lines(), [], "told to systemd before the first sample")

    with open("/proc/self/net/netstat") as file:
        text = file.read()
    released = time.monotonic()
    with open(os.path.join(root, "net", "netstat"), "w") as fifo:
        fifo.write(text)
    await_("READY=1", lambda: notify.times("READY=1"))
    assert notify.times("READY=1")[0] >= released
    matches(r"^STATUS=\d+ established, \d+ close-wait, \d+ time-wait; .*listeners, fullest queue .*sample 1 took [\d.]+ ms$",
            "\n".join(line for _, line in notify.lines()))
    daemon.wait_ready()
    equal(daemon.scrape().value("sockwatch_samples_total"), 1)



@test("systemd is told READY=1 once, STATUS= with it, WATCHDOG=1 again and again, and STOPPING=1 at the end")
def _(scope):
    notify = NotifySocket(scope)
    daemon = scope.daemon(interval="50ms", env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "400000"})
    await_("five of WATCHDOG=1", lambda: len(notify.times("WATCHDOG=1")) >= 5)
    equal(daemon.stop(), 0)
    await_("STOPPING=1", lambda: notify.times("STOPPING=1"))
    equal(len(notify.times("READY=1")), 1, "READY=1")
    equal(notify.lines()[-1][1], "STOPPING=1", "the last word")
    fed = notify.times("WATCHDOG=1")
    assert max(b - a for a, b in zip(fed, fed[1:])) < 0.4, "later than systemd would bite"


# ---- the command ----

@test("sockwatch: a wrong command or flag ends with 2 and one line")
def _(scope):
    for pattern, arguments in [
        (r"no command; see sockwatch --help", []),
        (r'unknown command "dance"; see sockwatch --help', ["dance"]),
        (r'unknown flag "--no"; see', ["status", "--no"]),
        (r'one command at a time, not "status" and "history"', ["status", "history"]),
        (r"--json takes no value", ["status", "--json=1"]),
        (r"--since has no value", ["history", "--since"]),
        (r'--since has a bad value "yesterday"; wanted: now, 90s, 10m, 1h or 3d \(ago\), .* 2026-11-22T14:05:30 or @', ["history", "--since=yesterday"]),
        (r'--ring.file has a bad value ""; wanted: a path', ["status", "--ring.file="]),
        (r'--procfs.root has a bad value ""; wanted: a path', ["status", "--procfs.root="]),
        (r"--at has a bad value", ["history", "--at=25:00"]),
        (r"--at and --since exclude each other", ["history", "--at=@1", "--since=@1"]),
    ]:
        result = sockwatch(*arguments)
        equal((result.returncode, result.stdout, result.stderr.count("\n")), (2, "", 1), (arguments, result.stderr))
        matches(pattern, result.stderr)
    for words in [["--help", "-h", "help"], ["--version", "version"]]:
        results = [sockwatch(word) for word in words]
        equal({(r.returncode, r.stdout, r.stderr) for r in results}, {(0, results[0].stdout, "")}, words)


@test("sockwatch: without a ring, status takes a sample itself and history ends with 3")
def _(scope):
    if os.path.exists("/run/sockwatch/ring"):
        raise Skip("this host has a ring file at the default path")
    queue = Queue(scope, 2, 7)
    result = sockwatch("status")
    equal((result.returncode, result.stderr), (0, ""), result)
    matches(r"^Taken now, .*there is no ring file", result.stdout)
    matches(rf"^127\.0\.0\.1\s+{queue.port}\s+\S+\s+2\s+7\s+2\s+0$", result.stdout)
    matches(r"^CLOSE-WAIT\s+0$", result.stdout)

    sample = json.loads(sockwatch("status", "--json").stdout)
    equal(sample["values"]["tcp_listen"], 1)

    for command in ["status", "listeners", "units", "states", "history"]:
        result = sockwatch(command, "--ring.file=/nonexistent/ring")
        equal((result.returncode, result.stdout), (3, ""))
        matches(r"cannot read ring file /nonexistent/ring: .*start sockwatchd, or name its file with --ring.file", result.stderr)


@test("sockwatch: a full accept queue is named by status, which ends with 1, and by history")
def _(scope):
    queue = Queue(scope, 3, 2)
    daemon = scope.daemon(interval="20ms").wait_ready()
    daemon.wait_samples(3)
    result = sockwatch("status", f"--ring.file={daemon.ring}")
    equal(result.returncode, 1)
    matches(rf"^accept queue of 127\.0\.0\.1:{queue.port} \((\S+, )?unit \S+\) is full: 3 wait and its limit is 2, so ", result.stdout)
    result = sockwatch("history", f"--ring.file={daemon.ring}")
    matches(rf" 3/2 127\.0\.0\.1:{queue.port} ", result.stdout)


@test("sockwatch: where walks are turned off that is said, the tables of what they count are left out, and it is no fault")
def _(scope):
    path = os.path.join(scope.folder(), "sockwatch.yaml")
    with open(path, "w") as file:
        file.write("walks:\n  budget: 0%\n")
    daemon = scope.daemon(f"--config.file={path}", interval="20ms").wait_ready()
    daemon.wait_samples(3)
    for command, is_there, is_not in [("status", r"^CLOSE-WAIT +-$", "before this sample"),
                                      ("listeners", r"^ADDRESS .* QUEUE ", "SYN-RECV"), ("units", r"^UNIT +PROCS ", "ESTAB")]:
        result = sockwatch(command, f"--ring.file={daemon.ring}")
        equal((result.returncode, result.stderr), (0, ""), result.stdout)
        matches(r"^TCP sockets are not counted, as walks over them are turned off \(walks.budget is 0%\)$", result.stdout)
        matches(is_there, result.stdout)
        assert is_not not in result.stdout, result.stdout
        equal(json.loads(sockwatch(command, "--json", f"--ring.file={daemon.ring}").stdout)["tcp_counted"], {})


@test("sockwatch: what walks counted before the sample is told with its age")
def _(scope):
    path = os.path.join(scope.folder(), "sockwatch.yaml")
    with open(path, "w") as file:
        file.write("walks:\n  budget: 0.0001%\n")  # after the first one, none for hours
    daemon = scope.daemon(f"--config.file={path}", interval="50ms").wait_ready()
    daemon.wait_samples(5)
    for command, named in [("status", "all states"), ("listeners", "SYN-RECV, CLOSE-WAIT"), ("units", "LISTEN, CLOSE-W, NOT-ACC")]:
        result = sockwatch(command, f"--ring.file={daemon.ring}")
        matches(rf"^counted \d+\.\d s before this sample: .*{named}", result.stdout)
        sample = json.loads(sockwatch(command, "--json", f"--ring.file={daemon.ring}").stdout)
        assert sample["tcp_counted"]["rare_states"] < sample["time"], sample


@test("sockwatch: what cannot be written ends with 3 and is told")
def _(scope):
    daemon = scope.daemon(interval="20ms").wait_ready()
    for arguments in [[command, *json] for command in ["status", "listeners", "units", "states", "history"]
                      for json in [[], ["--json"]]]:
        with open("/dev/full", "w") as full:
            result = subprocess.run([SOCKWATCH, *arguments, f"--ring.file={daemon.ring}"], stdout=full,
                                    stderr=subprocess.PIPE, text=True, timeout=10)
        equal(result.returncode, 3, arguments)
        matches(r"cannot write to stdout: No space left on device", result.stderr)


@test("sockwatch: flags of another command are refused")
def _(scope):
    for command in ["status", "listeners", "units", "states"]:
        result = sockwatch(command, "--since=1m")
        equal((result.returncode, result.stdout), (2, ""), command)
        matches(r"--since is of history; a single time is given with --at", result.stderr)


@test("sockwatch: a ring that cannot be read ends with 3 and says why")
def _(scope):
    folder = scope.folder()
    path = os.path.join(folder, "text")
    with open(path, "w") as file:
        file.write("a text, and long enough to have a header " * 1000)
    for command in ["status", "listeners", "units", "states", "history"]:
        result = sockwatch(command, f"--ring.file={path}")
        equal((result.returncode, result.stderr), (3, f"sockwatch: {path} is not a ring file\n"), command)
        result = sockwatch(command, f"--ring.file={folder}")
        equal((result.returncode, result.stdout, result.stderr.count("\n")), (3, "", 1), command)


@test("sockwatch: a live daemon's status is 0, names its sample and shows the queues")
def _(scope):
    queue = Queue(scope, 3, 5)
    daemon = scope.daemon(interval="50ms").wait_ready()
    daemon.wait_samples(2)
    result = sockwatch("status", f"--ring.file={daemon.ring}")
    equal((result.returncode, result.stderr), (0, ""), result.stdout)
    matches(r"^Sample \d+ of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, 0\.\d s ago$", result.stdout)
    matches(rf"^127\.0\.0\.1\s+{queue.port}\s+\S+\s+3\s+5\s+3\s+0$", result.stdout)


@test("sockwatch: history --at finds the sample of a second that is there, and says what there is of one that is not")
def _(scope):
    daemon = scope.daemon(interval="100ms").wait_ready()
    daemon.wait_samples(25)
    daemon.stop()
    samples, _ = history(daemon.ring)
    second = int(samples[0]["time"]) + 1

    result = sockwatch("history", "--json", f"--at=@{second}", f"--ring.file={daemon.ring}")
    equal(result.returncode, 0, result.stderr)
    at = json.loads(result.stdout)
    equal(len(at), 1)
    assert second - 1 < at[0]["time"] < second + 1, (second, at[0]["time"])
    assert at[0] in samples, "not one of the samples"

    for second in [int(samples[0]["time"]) - 5, int(samples[-1]["time"]) + 60]:
        for flags in [[], ["--json"]]:
            result = sockwatch("history", f"--at=@{second}", f"--ring.file={daemon.ring}", *flags)
            equal((result.returncode, "".join(result.stdout.split())), (3, "[]" if flags else ""))
            matches(r"no sample of that time; the ring file holds \d{4}-.* to \d{4}-", result.stderr)


@test("sockwatch: --json is JSON whose names are those of values.tbl, in status as in history")
def _(scope):
    daemon = scope.daemon(interval="50ms").wait_ready()
    daemon.wait_samples(5)
    with open(os.path.join(ROOT, "lib", "store", "values.tbl")) as file:
        names = {name.lower() for name in re.findall(r"^(?:GAUGE|COUNTER)\(\s*\d+,\s*(\w+),", file.read(), re.M)}
    assert len(names) > 50, "values.tbl was not understood"

    status = json.loads(sockwatch("status", "--json", f"--ring.file={daemon.ring}").stdout)
    samples, result = history(daemon.ring, "1m")
    equal(result.returncode, 0, result.stderr)
    for sample in [status, *samples]:
        equal(set(sample["values"]) - names, set(), "values that the table does not have")
        assert {"somaxconn", "tcp_established", "samples"} <= set(sample["values"])
        assert {"tcp", "listen", "netstat"} <= set(sample["collectors"])
    equal([s["number"] for s in samples], list(range(1, len(samples) + 1)))
    equal(samples[-1]["listeners"][0]["port"], daemon.port)


@test("sockwatch: of a daemon that died, status ends with 1 and says so, and its history is there")
def _(scope):
    samples, result = history(dead.ring)
    equal(result.returncode, 0)
    numbers = [s["number"] for s in samples]
    equal(numbers, list(range(1, len(numbers) + 1)))

    # It is fine up to three intervals and ten seconds: only then is it dead.
    await_("the last sample to be old", lambda: time.time() > samples[-1]["time"] + 10.1, every=0.1)
    result = sockwatch("status", f"--ring.file={dead.ring}")
    equal((result.returncode, result.stderr), (1, ""))
    matches(rf"^Sample {numbers[-1]} of .*, \d\d\.\d s ago; sockwatchd does not run, or is stuck$", result.stdout)
    equal(sockwatch("status", "--json", f"--ring.file={dead.ring}").returncode, 1, "the status with --json")


@test("sockwatch: a sample that lacks a collector ends status with 1 and names it")
def _(scope):
    root = slow_proc(scope)
    os.unlink(os.path.join(root, "net", "netstat"))
    os.unlink(os.path.join(root, "net", "sockstat"))
    daemon = scope.daemon(f"--procfs.root={root}", interval="50ms").wait_ready()
    matches(r"collector netstat fails, continuing without its metrics: No such file", daemon.log())
    daemon.wait_samples(5)
    equal(len(re.findall("collector netstat fails", daemon.log())), 1, "times told")
    page = daemon.scrape()
    equal(page.value("sockwatch_collector_success", collector="netstat"), 0)
    equal(page.value("sockwatch_collector_success", collector="tcp"), 1)
    equal(page.get("sockwatch_tcp_active_opens_total"), None, "a number that nobody measured")

    result = sockwatch("status", f"--ring.file={daemon.ring}")
    equal(result.returncode, 1)
    matches(r"^collector netstat fails: No such file or directory$", result.stdout)
    equal(sockwatch("status", "--json", f"--ring.file={daemon.ring}").returncode, 1, "the status with --json")

    # Put back, it answers again, and that is told.
    os.symlink("/proc/self/net/netstat", os.path.join(root, "net", "netstat"))
    os.symlink("/proc/self/net/sockstat", os.path.join(root, "net", "sockstat"))
    daemon.wait_log("collector netstat answers again")
    daemon.wait_samples(1)
    equal(sockwatch("status", f"--ring.file={daemon.ring}").returncode, 0)


def prepare():
    global dead
    own_network()
    scope = Scope()
    atexit.register(scope.close)
    dead = scope.daemon(interval="50ms").wait_ready()
    dead.wait_samples(5)
    dead.process.kill()
    dead.process.wait()


if __name__ == "__main__":
    main(prepare)
