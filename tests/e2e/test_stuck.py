#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A sampler that is stuck for real, held by ptrace: scrapes do not wait, and systemd is not fooled."""

import re
import signal
import time

from harness import Exposition, NotifySocket, StuckThread, await_, comment, equal, history, main, matches, own_network, sockwatch, test

LIMIT = 10  # seconds until a sample is stale: three intervals, and ten seconds at least
WATCHDOG = 2


def age_of(headers):
    return int(headers["Age"])


def held(scope, interval="250ms"):
    """A daemon whose sampler stands still, with a systemd that watches."""
    notify = NotifySocket(scope)
    daemon = scope.daemon(interval=interval, env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": str(WATCHDOG * 1_000_000)})
    daemon.wait_ready()
    daemon.wait_samples(3)
    stuck = StuckThread(scope, daemon.pid, "sampler")
    return daemon, notify, stuck


@test("while the sampler hangs each scrape is answered at once, with the sample's age; then it is unhealthy, and told; then it recovers")
def _(scope):
    daemon, notify, stuck = held(scope)
    begin = time.monotonic()
    before = daemon.scrape()
    taken = before.value("sockwatch_last_sample_timestamp_seconds")
    number = before.value("sockwatch_samples_total")
    ages, waits = [], []

    # Fresh still: everything as ever, but for the age.
    while time.monotonic() < begin + LIMIT - 1:
        asked = time.monotonic()
        status, headers, body = daemon.get("/metrics")
        waits.append(time.monotonic() - asked)
        equal(status, 200)
        ages.append(age_of(headers))
        assert abs(ages[-1] - (time.time() - taken)) < 3, f"age {ages[-1]} of a sample of {taken} at {time.time()}"
        equal(Exposition(body).value("sockwatch_last_sample_timestamp_seconds"), taken)
        equal(daemon.get("/-/healthy")[0], 200, "healthy while fresh")
        time.sleep(0.1)
    equal(ages, sorted(ages), "ages")
    assert ages[-1] >= LIMIT - 2, ages[-1]
    fed = notify.times("WATCHDOG=1")
    assert any(when > begin + LIMIT - 1 - WATCHDOG for when in fed), "the watchdog is not fed although samples are fresh"

    # Stale: said on both pages, in the log, and to systemd by silence.
    await_("stale", lambda: daemon.get("/-/healthy")[0] == 503, 5)
    since = time.time() - taken
    assert LIMIT <= since < LIMIT + 1.5, f"stale after {since} s"
    for path in ["/-/healthy", "/-/ready"]:
        status, _, body = daemon.get(path)
        equal(status, 503, path)
        matches(r"\Astale: the last sample was taken 1\d\.\d s ago and 10\.0 s is the limit; the sampler is stuck or the host stalls\n\Z", body)
    quiet = time.monotonic()
    while time.monotonic() < quiet + 1.5 * WATCHDOG:
        asked = time.monotonic()
        page = daemon.scrape()
        waits.append(time.monotonic() - asked)
        equal(page.value("sockwatch_samples_total"), number)
        equal(page.value("sockwatch_last_sample_timestamp_seconds"), taken)
        time.sleep(0.1)
    late = [when for when in notify.times("WATCHDOG=1") if when > quiet + 0.1]
    equal(late, [], "the watchdog is fed although samples are stale")
    equal(len(re.findall(r"no sample for 1\d\.\d s, not feeding the watchdog$", daemon.log(), re.M)), 1, "times told")
    assert max(waits) < 5, f"a scrape took {max(waits):.3f} s"
    comment(f"{len(waits)} scrapes, the slowest {max(waits) * 1000:.1f} ms")

    result = sockwatch("status", f"--ring.file={daemon.ring}")
    equal(result.returncode, 1, "sockwatch status")
    matches(r"s ago; sockwatchd does not run, or is stuck$", result.stdout)

    # Let go: it goes on, and what was missed is counted.
    stuck.release()
    released = time.monotonic()
    await_("healthy again", lambda: daemon.get("/-/healthy")[0] == 200, 3)
    equal(daemon.get("/-/ready")[0], 200)
    daemon.wait_samples(4)
    await_("the watchdog fed again", lambda: any(when > released for when in notify.times("WATCHDOG=1")), 3)
    matches(r"samples are fresh again, feeding the watchdog$", daemon.log())
    page = daemon.scrape()
    missed = page.value("sockwatch_missed_ticks_total")
    expected = (released - begin) / 0.25
    assert abs(missed - expected) <= 4, f"{missed} ticks missed, {expected:.0f} expected"
    equal(daemon.stop(), 0)

    # The ring has the gap and no invented sample in it.
    samples = history(daemon.ring)[0]
    equal([s["number"] for s in samples], list(range(1, len(samples) + 1)))
    gaps = [b["time"] - a["time"] for a, b in zip(samples, samples[1:])]
    assert max(gaps) > LIMIT and sorted(gaps)[-2] < 2, sorted(gaps)[-3:]


@test("while the sampler hangs SIGTERM still ends it, within 10 s, with 0 and a word")
def _(scope):
    daemon, notify, stuck = held(scope)
    # A request has to be under way: what hangs is then more than an idle thread.
    await_("a missed tick", lambda: age_of(daemon.get()[1]) >= 1)
    number = daemon.samples()

    begin = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    await_("the end", lambda: stuck.reap() or daemon.process.poll() is not None, 12)
    equal(daemon.process.wait(5), 0, daemon.log())
    took = time.monotonic() - begin
    assert took < 10, f"it took {took:.1f} s"
    comment(f"it took {took:.1f} s")
    matches(r"stopping, as told by signal TERM$", daemon.log())
    matches(r"the sampler is stuck in the kernel, leaving it$", daemon.log())
    assert notify.times("STOPPING=1")
    samples, result = history(daemon.ring)
    equal((result.returncode, len(samples)), (0, number), "what was committed before")


@test("with a longer interval the limit is three intervals")
def _(scope):
    interval = 4
    daemon = scope.daemon(interval=f"{interval}s").wait_ready()
    stuck = StuckThread(scope, daemon.pid, "sampler")
    taken = daemon.scrape().value("sockwatch_last_sample_timestamp_seconds")
    await_("unhealthy", lambda: daemon.get("/-/healthy")[0] == 503, 15)
    age = time.time() - taken
    assert 3 * interval <= age < 3 * interval + 1, age
    matches(r"12\.0 s is the limit", daemon.get("/-/healthy")[2])
    stuck.release()


if __name__ == "__main__":
    main(own_network)
