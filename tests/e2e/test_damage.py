#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to the ring file, sampling goes on, it is told, and no number is shown that was not sampled."""

import ctypes
import json
import os
import random
import re
import shutil
import signal
import struct
import time

from harness import (HEADER, RING_BYTES_MIN, SEGMENT, SOCKWATCHD, Churn, Skip, await_, comment, equal, history,
                     libc, main, matches, need_root, own_mounts, own_network, run, sockwatch, test)

SEED = int(os.environ.get("SOCKWATCH_SEED", time.time_ns() % 1_000_000))
chance = random.Random(SEED)


# ---- what has to be true ----

def frozen(daemon):
    """All samples as they are, with the daemon stopped between two of them."""
    daemon.process.send_signal(signal.SIGSTOP)
    await_("a stopped process", lambda: run(["ps", "-o", "state=", "-p", str(daemon.pid)]).stdout.strip() == "T")
    return history(daemon.ring)[0]


def thaw(daemon):
    daemon.process.send_signal(signal.SIGCONT)


def check_goes_on(daemon, n=4):
    """Sampling does not stop, and it is fresh."""
    daemon.wait_samples(n)
    equal(daemon.get("/-/healthy")[0], 200, daemon.log())


def check_history(ring, truth, status=None, n_gaps=0, is_told=False, begin=None):
    """Each sample that is shown is one that was taken. Returns how many of the truth are still shown.

    truth: the samples as they were before the damage. What is newer than these is held against
    what cannot be otherwise: time and number rise together, and so does the daemon's own count,
    but for gaps: times of which the daemon said that it had no ring.
    is_told: of what is no longer shown the reader has to say so.
    """
    result = sockwatch("history", "--json", "--since=@0", f"--ring.file={ring}")
    assert result.returncode in ((0, 1, 3) if status is None else (status,)), (result.returncode, result.stderr)
    if result.returncode == 3:
        matches(r"^sockwatch: (cannot read ring file .*|.* is not a ring file|.* is a damaged ring file|"
                r".* is a ring file of another version.*|the ring file holds no sample that can be read, it is damaged|"
                r"the ring file holds no sample yet)$", result.stderr)
        assert result.stdout.split() in ([], ["[]"], ["[", "]"]), result.stdout
        return 0
    samples = json.loads(result.stdout)
    known = {s["number"]: s for s in truth}
    end = truth[-1]["time"] if truth else 0
    begin = end if begin is None else begin
    n_known, n_gaps_found, before = 0, 0, None

    for sample in samples:
        if sample["time"] <= end:
            equal(sample, known.get(sample["number"]), "a sample that was not taken like this")
            n_known += 1
        if before and sample["time"] > end and before["time"] > begin:
            steps = sample["number"] - before["number"]
            equal(steps, 1, "numbers of new samples")
            n_gaps_found += sample["values"]["samples"] - before["values"]["samples"] != 1
            equal(sample["values"]["sampling_interval_usec"], before["values"]["sampling_interval_usec"])
        if before:
            assert sample["time"] > before["time"] and sample["number"] > before["number"], (before, sample)
        before = sample

    equal(n_gaps_found, n_gaps, "times that the daemon counted more samples than the ring has")
    equal("samples are left out" in result.stderr, result.returncode == 1, "damage told, and in the status")
    if is_told and n_known < len(truth):
        assert result.returncode != 0 and "is damaged" in result.stderr, f"samples are left out without a word: {result.stderr}"
    return n_known


def aside(daemon_or_ring):
    ring = getattr(daemon_or_ring, "ring", daemon_or_ring)
    folder, name = os.path.split(ring)
    return sorted(f for f in os.listdir(folder) if f.startswith(name + ".set-aside"))


def damage_running(scope, damage, log, n_aside=1, **options):
    """Damages the ring of a running daemon. Returns the daemon and what was in the ring before."""
    daemon = scope.daemon(interval="20ms", **options).wait_ready()
    daemon.wait_samples(8)
    truth = frozen(daemon)
    assert len(truth) >= 8
    try:
        damage(daemon.ring)
    finally:
        thaw(daemon)
    if log:
        daemon.wait_log(log)
    check_goes_on(daemon)
    equal(len(aside(daemon)), n_aside, (aside(daemon), daemon.log()))
    check_history(daemon.ring, truth)
    return daemon, truth


ANEW = r"ring file .*/ring was changed by somebody else, opening it anew"
BEGINS = r"ring file .*/ring begins, \d+ bytes"


# ---- ways to damage a file ----

def truncate(size):
    def damage(ring):
        os.truncate(ring, size(os.path.getsize(ring)) if callable(size) else size)

    return damage


def overwrite(ring, offset, data):
    with open(ring, "r+b") as file:
        file.seek(offset)
        file.write(data)


def flip(ring, bit):
    with open(ring, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def replace(content):
    def damage(ring):
        with open(ring + ".new", "wb") as file:
            file.write(content)
        os.rename(ring + ".new", ring)

    return damage


def used(ring):
    """The bytes of the file that hold something: (offset, length)."""
    places = [(0, 56)]
    with open(ring, "rb") as file:
        for at in range(HEADER, os.path.getsize(ring), SEGMENT):
            fields = os.pread(file.fileno(), 40, at)
            if int.from_bytes(fields[:8], "little"):
                places.append((at, 40 + int.from_bytes(fields[32:40], "little")))
    return places


# ---- while the daemon runs ----

@test("running: a file that is cut short, or made longer, is set aside and begun anew; sampling goes on")
def _(scope):
    for size, what in [(0, "is not a ring file"), (30, "is not a ring file"), (HEADER, "is a damaged ring file"),
                       (lambda n: n // 2, "is a damaged ring file"), (lambda n: n - 1, "is a damaged ring file"),
                       (lambda n: n + 1, "is a damaged ring file")]:
        daemon, _ = damage_running(scope, truncate(size), rf"{ANEW}\n.*ring {what}; set aside as .*ring.set-aside, beginning a new one")
        equal(daemon.scrape().value("sockwatch_ring_errors_total"), 1, "errors of the ring")
        equal(daemon.stop(), 0)
        equal(history(daemon.ring)[1].returncode, 0)


@test("running: a file that is overwritten is set aside and begun anew")
def _(scope):
    size = RING_BYTES_MIN
    for content in [b"\0" * size, chance.randbytes(size), b"\xff" * 64, b"#!/bin/sh\n"]:
        damage_running(scope, lambda ring: overwrite(ring, 0, content), rf"{ANEW}\n.*set aside as")


@test("running: bytes overwritten behind the writer's back are left out by the reader, which says so")
def _(scope):
    daemon = scope.daemon(interval="20ms").wait_ready()
    daemon.wait_samples(60)
    truth = frozen(daemon)
    place, length = used(daemon.ring)[1]
    overwrite(daemon.ring, place + 40 + length // 2, chance.randbytes(500))
    thaw(daemon)
    check_goes_on(daemon)

    n_known = check_history(daemon.ring, truth, status=1)
    assert 0 < n_known < len(truth), n_known
    matches(r"is damaged, samples are left out", history(daemon.ring)[1].stderr)
    equal(daemon.stop(), 0)

    # The next start looks at all of it.
    again = scope.daemon(ring=daemon.ring, interval="20ms").wait_ready()
    matches(r"is a damaged ring file; set aside as .*, beginning a new one", again.log())
    check_goes_on(again)
    equal(check_history(daemon.ring + ".set-aside", truth), n_known, "what can be read of the file that was set aside")


@test("running: bits that flip anywhere in the file never end it and never become a number")
def _(scope):
    comment(f"seed {SEED}")
    daemon = scope.daemon(interval="10ms").wait_ready()
    daemon.wait_samples(20)
    n_noticed = 0
    for _ in range(40):
        daemon.wait_samples(3)
        truth = frozen(daemon)
        place, length = chance.choice(used(daemon.ring))
        flip(daemon.ring, 8 * place + chance.randrange(8 * length))
        thaw(daemon)
        check_goes_on(daemon, 3)
        check_history(daemon.ring, truth)
    n_noticed = len(re.findall(ANEW, daemon.log()))
    comment(f"{n_noticed} of 40 hit what the writer builds on")
    assert n_noticed > 0, daemon.log()
    equal(len(aside(daemon)), min(n_noticed, 3), "files set aside: never more than three")
    equal(daemon.stop(), 0)


@test("running: another file put in its place, a folder or a link is not touched")
def _(scope):
    precious = os.path.join(scope.folder(), "precious")
    with open(precious, "w") as file:
        file.write("precious")

    def folder(ring):
        os.unlink(ring)
        os.mkdir(ring)

    def link(ring):
        os.unlink(ring)
        os.symlink(precious, ring)

    def fifo(ring):
        os.unlink(ring)
        os.mkfifo(ring)

    def foreign(ring):
        with open(ring) as file:
            equal(file.read(), "a file of somebody else's\n")
        os.unlink(ring)

    for damage, undo in [(folder, os.rmdir), (link, os.unlink), (fifo, os.unlink),
                         (replace(b"a file of somebody else's\n"), foreign)]:
        daemon, truth = damage_running(scope, damage, r"cannot be written, serving without a history: ", n_aside=0)
        equal(len(re.findall("cannot be written", daemon.log())), 1, "times told")
        equal(daemon.scrape().get("sockwatch_ring_bytes"), None, "bytes of a ring that is not there")
        errors = daemon.scrape().value("sockwatch_ring_errors_total")
        await_("errors counted", lambda: daemon.scrape().value("sockwatch_ring_errors_total") > errors)
        undo(daemon.ring)
        daemon.wait_log(r"ring file .* is written again")
        check_goes_on(daemon)
        equal(check_history(daemon.ring, truth, status=0), 0)
    with open(precious) as file:
        equal(file.read(), "precious", "what the link led to")


@test("running: an older copy put in its place is continued from there")
def _(scope):
    daemon = scope.daemon(interval="20ms").wait_ready()
    daemon.wait_samples(5)
    old = frozen(daemon)
    shutil.copy(daemon.ring, daemon.ring + ".copy")
    thaw(daemon)
    daemon.wait_samples(10)
    os.rename(daemon.ring + ".copy", daemon.ring)
    daemon.wait_log(rf"{ANEW}\n.*continues after sample {old[-1]['number']}$")
    check_goes_on(daemon)
    samples, result = history(daemon.ring)
    equal(result.returncode, 0, result.stderr)
    equal(samples[:len(old)], old, "the old ones")
    equal([s["number"] for s in samples], list(range(1, len(samples) + 1)))
    equal(aside(daemon), [])


@test("running: a file that is removed is begun anew; so is one whose folder comes back")
def _(scope):
    daemon, truth = damage_running(scope, os.unlink, rf"{ANEW}\n.*{BEGINS}", n_aside=0)
    equal(check_history(daemon.ring, truth, status=0), 0)

    folder = os.path.dirname(daemon.ring)
    shutil.rmtree(folder)
    daemon.wait_log("cannot be written, serving without a history: No such file or directory")
    check_goes_on(daemon)
    os.mkdir(folder)
    daemon.wait_log("is written again")
    check_goes_on(daemon)
    equal(check_history(daemon.ring, [], status=0), 0)


@test("running: a folder that cannot be written any more does not matter until a file has to be begun")
def _(scope):
    need_root()
    binary = os.path.join(scope.folder(), "sockwatchd")
    shutil.copy(SOCKWATCHD, binary)
    os.chmod(binary, 0o755)
    folder = scope.folder()
    os.chown(folder, 65534, 65534)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--pdeathsig=KILL", "--"]
    daemon = scope.daemon(ring=os.path.join(folder, "ring"), interval="20ms", wrapper=nobody, binary=binary).wait_ready()

    os.chown(folder, 0, 0)
    os.chmod(folder, 0o555)
    check_goes_on(daemon)
    assert "cannot" not in daemon.log(), daemon.log()
    truth = frozen(daemon)
    os.truncate(daemon.ring, 0)
    thaw(daemon)
    daemon.wait_log("cannot be written, serving without a history: Permission denied")
    check_goes_on(daemon)
    equal(check_history(daemon.ring, truth, status=3), 0)

    os.chown(folder, 65534, 65534)
    os.chmod(folder, 0o755)
    daemon.wait_log("is written again")
    check_goes_on(daemon)
    equal(len(re.findall("cannot be written", daemon.log())), 1, "times told")
    equal(check_history(daemon.ring, truth, status=0), 0)
    equal(len(aside(daemon)), 1, "files set aside")
    equal(daemon.stop(), 0)


# ---- a full disk ----

def small_disk(scope, size):
    folder = scope.folder()
    if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={size}".encode()) < 0:
        raise OSError(ctypes.get_errno(), "mount")
    scope.callback(libc.umount2, folder.encode(), 2)
    return folder


def ext4_disk(scope, size=8 * 1024 * 1024):
    """Where reading a hole is free and writing one may fail, other than on a tmpfs."""
    image = os.path.join(scope.folder(), "image")
    folder = scope.folder()
    with open(image, "wb") as file:
        file.truncate(size)
    run(["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", image], check=True)
    if run(["mount", "-o", "loop", image, folder]).returncode != 0:
        raise Skip("no loop devices here")
    scope.callback(libc.umount2, folder.encode(), 2)
    return folder


def fill(folder):
    """Takes all the room there is; remove the file to give it back."""
    path = os.path.join(folder, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    return path


@test("running: a disk that fills up takes nothing from a ring that has its room already")
def _(scope):
    folder = small_disk(scope, RING_BYTES_MIN + 65536)
    daemon = scope.daemon(ring=os.path.join(folder, "ring"), interval="10ms").wait_ready()
    fill(folder)
    check_goes_on(daemon, 20)
    equal(daemon.scrape().value("sockwatch_ring_errors_total"), 0)
    equal(check_history(daemon.ring, [], status=0), 0)


@test("running: no room for a new file is told once, sampling goes on, and with room there is a ring again")
def _(scope):
    folder = small_disk(scope, RING_BYTES_MIN + 65536)
    daemon = scope.daemon(ring=os.path.join(folder, "ring"), interval="20ms").wait_ready()
    truth = frozen(daemon)
    os.rename(daemon.ring, os.path.join(folder, "keep"))
    thaw(daemon)
    daemon.wait_log("cannot be written, serving without a history: No space left on device")
    check_goes_on(daemon, 10)
    equal(len(re.findall("No space left", daemon.log())), 1, "times told")
    equal(sorted(os.listdir(folder)), ["keep"], "what is left of the attempts")

    os.unlink(os.path.join(folder, "keep"))
    daemon.wait_log("is written again")
    check_goes_on(daemon)
    equal(check_history(daemon.ring, truth, status=0), 0)


@test("running: a damaged file is set aside and told of, also when there is no room for the next")
def _(scope):
    folder = small_disk(scope, RING_BYTES_MIN + 65536)
    daemon = scope.daemon(ring=os.path.join(folder, "ring"), interval="20ms").wait_ready()
    truth = frozen(daemon)
    overwrite(daemon.ring, 0, b"garbage")
    thaw(daemon)
    daemon.wait_log("cannot be written, serving without a history: No space left on device")
    check_goes_on(daemon)
    equal(aside(daemon), ["ring.set-aside"])
    matches(r"ring file .* is not a ring file; set aside as .*ring.set-aside", daemon.log(), "where the old file is")
    os.unlink(os.path.join(folder, "ring.set-aside"))
    daemon.wait_log("is written again")
    check_goes_on(daemon)
    equal(check_history(daemon.ring, truth, status=0), 0)


@test("running: holes in the file on a full disk do not end it, cost no sample, and do not fill the log")
def _(scope):
    for folder in [ext4_disk(scope), small_disk(scope, RING_BYTES_MIN + 65536)]:
        comment(folder)
        daemon = scope.daemon(ring=os.path.join(folder, "ring"), interval="10ms").wait_ready()
        daemon.wait_samples(10)
        truth = frozen(daemon)
        end = sum(used(daemon.ring)[1]) // 4096 * 4096 + 4096
        run(["fallocate", "--punch-hole", f"--offset={end}", f"--length={RING_BYTES_MIN - end}", daemon.ring])
        fill(folder)
        thaw(daemon)
        daemon.wait_log("cannot be written, serving without a history: No space left on device")
        check_goes_on(daemon, 30)
        equal(check_history(daemon.ring, truth, status=0), len(truth), "samples from before")
        equal(aside(daemon), [], daemon.log())
        assert daemon.log().count("\n") < 10, "the log is filled:\n" + daemon.log()[:3000]

        os.unlink(os.path.join(folder, "filler"))
        daemon.wait_log("is written again")
        check_goes_on(daemon, 20)
        # It may begin with the first sample after those.
        equal(check_history(daemon.ring, truth, status=0, n_gaps=1, begin=truth[-2]["time"]), len(truth), "samples from before")
        equal(daemon.stop(), 0)


@test("between runs: a full disk ends the start with status 4 and asks for room")
def _(scope):
    folder = small_disk(scope, 8 * 1024 * 1024)
    fill(folder)
    result = run([SOCKWATCHD, "--web.listen-address=127.0.0.1:0", f"--ring.file={folder}/ring", f"--ring.size={RING_BYTES_MIN}"])
    equal(result.returncode, 4, result.stderr)
    matches(rf"\Asockwatchd: cannot use ring file {folder}/ring: No space left on device; "
            r"make room, or give a smaller one with --ring.size\n\Z", result.stderr)
    equal(os.listdir(folder), ["filler"])


# ---- between two runs ----

recorded = None  # a ring file that a daemon left, and its samples


def record(scope):
    global recorded
    if not recorded:
        daemon = scope.daemon(interval="10ms").wait_ready()
        daemon.wait_samples(120)
        equal(daemon.stop(), 0)
        with open(daemon.ring, "rb") as file:
            content = file.read()
        recorded = content, history(daemon.ring)[0], used(daemon.ring)
    return recorded


def restart(scope, damage, log, n_aside=1, status=None, is_told=False, flags=()):
    """Damages a ring between two runs; reads it, starts on it."""
    content, truth, _ = record(scope)
    ring = os.path.join(scope.folder(), "ring")
    with open(ring, "wb") as file:
        file.write(content)
    damage(ring)
    n_known = check_history(ring, truth, status=status, is_told=is_told) if os.path.exists(ring) else 0

    daemon = scope.daemon(*flags, ring=ring, interval="10ms").wait_ready()
    matches(log, daemon.log())
    is_continued = "continues after" in daemon.log()
    if n_aside is None:
        n_aside = 0 if is_continued else 1
    check_goes_on(daemon, 3)
    equal(len(aside(ring)), n_aside, daemon.log())
    equal(check_history(ring, truth, status=0), n_known if is_continued else 0, "samples of before in the file of now")
    if is_continued:
        equal(n_known, len(truth), "samples of a file that is continued")
    if n_aside and os.path.isfile(f"{ring}.set-aside"):
        equal(check_history(f"{ring}.set-aside", truth), n_known, "what is readable of the file set aside")
    equal(daemon.stop(), 0)
    return n_known


@test("between runs: a sound file is continued, and that is told")
def _(scope):
    _, truth, _ = record(scope)
    equal(restart(scope, lambda ring: None, rf"continues after sample {len(truth)}$", n_aside=0, status=0), len(truth))


@test("between runs: what was cut, overwritten, replaced or of another size is set aside, told, and begun anew")
def _(scope):
    content, truth, _ = record(scope)
    size = len(content)
    foreign, broken = "is not a ring file; set aside as .*ring.set-aside, beginning", "is a damaged ring file; set aside as"
    for damage, log, status in [
        (truncate(0), foreign, 3),
        (truncate(55), foreign, 3),
        (truncate(HEADER + SEGMENT // 2), broken, 3),
        (truncate(size - 1), broken, 3),
        (truncate(size + 4096), broken, 3),
        (replace(b"\0" * size), foreign, 3),
        (replace(chance.randbytes(size)), foreign, 3),
        (lambda ring: overwrite(ring, 16, b"\x63"), "is a ring file of another version or kind of host; set aside", 3),
        (lambda ring: overwrite(ring, 40, b"\x63"), broken, 3),
        (lambda ring: overwrite(ring, HEADER + SEGMENT, b"\0" * SEGMENT), BEGINS + "|continues after", None),
    ]:
        n_known = restart(scope, damage, log, n_aside=0 if "continues" in log else 1, status=status)
        equal(n_known, 0, "samples shown of a file like this")

    # Asked for another size, a sound file is set aside, whole.
    equal(restart(scope, lambda ring: None, "is a ring file of another size; set aside as", status=0,
                  flags=[f"--ring.size={RING_BYTES_MIN + SEGMENT}"]), len(truth))
    restart(scope, os.unlink, BEGINS, n_aside=0)


@test("between runs: a random bit that flips is found, and costs what it damaged and no more")
def _(scope):
    comment(f"seed {SEED}")
    content, truth, places = record(scope)
    ring = os.path.join(scope.folder(), "ring")

    n_whole = n_part = n_none = 0
    for _ in range(150):
        place, length = chance.choice(places)
        bit = 8 * place + chance.randrange(8 * length)
        with open(ring, "wb") as file:
            file.write(content)
        flip(ring, bit)
        n_known = check_history(ring, truth, is_told=True)
        n_whole, n_part, n_none = n_whole + (n_known == len(truth)), n_part + (0 < n_known < len(truth)), n_none + (n_known == 0)
    comment(f"of {len(truth)} samples 150 flips left all {n_whole} times, some {n_part} times, none {n_none} times")
    assert n_part > 0 and n_none > 0, "the flips hit nothing"


@test("between runs: a segment whose head is damaged, be it the oldest, a middle one or the newest, is told and costs itself alone")
def _(scope):
    churn = Churn(scope, 300)
    daemon = scope.daemon(interval="10ms", ring_bytes=RING_BYTES_MIN + 4 * SEGMENT).wait_ready()
    await_("four segments", lambda: daemon.samples() and len(used(daemon.ring)) >= 5, seconds=60)
    churn.close()
    equal(daemon.stop(), 0)
    truth = history(daemon.ring)[0]
    places = sorted(used(daemon.ring)[1:], key=lambda place: segment_fields(daemon.ring, place[0])[0])

    for i, (place, _) in enumerate(places):
        ring = os.path.join(scope.folder(), "ring")
        shutil.copy(daemon.ring, ring)
        flip(ring, 8 * place + 8 * 8)  # the number of its first sample
        first = segment_fields(daemon.ring, place)[1]
        end = segment_fields(daemon.ring, places[i + 1][0])[1] if i + 1 < len(places) else truth[-1]["number"] + 1
        n_known = check_history(ring, truth, status=1, is_told=True)
        equal(n_known, len(truth) - (end - first), f"samples left when segment {i} of {len(places)} is damaged")
        result = sockwatch("status", f"--ring.file={ring}")
        # On a machine that is busy the daemon was stopped so long ago that this is what status tells.
        equal(result.returncode, 1 if "sockwatchd does not run" in result.stdout else 0, result)


def segment_fields(ring, place):
    """Its generation and the number of its first sample."""
    with open(ring, "rb") as file:
        return struct.unpack("<QQ", os.pread(file.fileno(), 16, place))


@test("between runs: a start on a file with a flipped bit sets it aside, but for a bit that nothing depends on")
def _(scope):
    comment(f"seed {SEED}")
    _, truth, places = record(scope)
    for _ in range(20):
        place, length = chance.choice(places)
        bit = 8 * place + chance.randrange(8 * length)
        comment(f"bit {bit}")
        restart(scope, lambda ring: flip(ring, bit),
                rf"is (?:not )?a.* ring file.*; set aside as .*, beginning a new one|continues after sample {len(truth)}$",
                n_aside=None, is_told=True)
    # Behind the last record nothing is looked at.
    place, length = places[-1]
    restart(scope, lambda ring: flip(ring, 8 * (place + length + 100)), f"continues after sample {len(truth)}$", n_aside=0, status=0)


@test("between runs: files set aside are kept up to three, the first two as they are")
def _(scope):
    ring = os.path.join(scope.folder(), "ring")
    for i in range(5):
        with open(ring, "w") as file:
            file.write(f"sockwatch ring\n\0damage {i}\n")
        daemon = scope.daemon(ring=ring, interval="10ms").wait_ready()
        equal(daemon.stop(), 0)
    contents = {}
    for name in aside(ring):
        with open(os.path.join(os.path.dirname(ring), name)) as file:
            contents[name] = file.read().removeprefix("sockwatch ring\n\0")
    equal(contents, {"ring.set-aside": "damage 0\n", "ring.set-aside-2": "damage 1\n", "ring.set-aside-3": "damage 4\n"})


def prepare():
    own_network()
    own_mounts()


if __name__ == "__main__":
    main(prepare)
