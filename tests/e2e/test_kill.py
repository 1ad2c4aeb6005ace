#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Killed at any instruction, nothing that was committed is lost."""

import json
import os
import random
import re
import signal
import time

from harness import HEADER, RING_BYTES_MIN, SEGMENT, Churn, Daemon, comment, equal, history, main, own_network, sockwatch, test

KILLS = int(os.environ.get("SOCKWATCH_KILLS", "200"))
SEED = int(os.environ.get("SOCKWATCH_SEED", time.time_ns() % 1_000_000))


class Witness:
    """What was ever seen in the ring, against which each later reading is held."""

    def __init__(self, ring):
        self.ring = ring
        self.times = {}       # number -> time, of every sample seen so far
        self.newest = 0       # greatest number known to be committed
        self.n_overwritten = 0

    def read_on(self):
        """From the last sample that was seen, however long ago a busy machine took it."""
        return self.read(f"@{int(max(self.times.values(), default=0))}")

    def read(self, since):
        samples, result = history(self.ring, since)
        equal((result.returncode, result.stderr), (0, ""), f"sockwatch history, {self.newest} samples after the start")
        assert samples, "no samples"
        numbers = [s["number"] for s in samples]
        equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "numbers without a gap")
        times = [s["time"] for s in samples]
        equal(times, sorted(times), "times in order")
        assert numbers[-1] >= self.newest, f"sample {self.newest} was committed, and the last is {numbers[-1]}"

        for sample in samples:
            seen = self.times.setdefault(sample["number"], sample["time"])
            equal(sample["time"], seen, f"the time of sample {sample['number']}")
        self.newest = numbers[-1]
        return numbers

    def read_all(self):
        """What is gone is gone from the old end alone, and only once the ring is full."""
        first = self.read("@0")[0]
        self.n_overwritten = first - 1
        if self.n_overwritten:
            # One may just have been given up, to be begun anew.
            assert sum(1 for g in generations(self.ring) if g) >= 3, "overwritten before the ring was full"

    def status(self):
        """The newest sample, as another process sees it while the daemon writes."""
        result = sockwatch("status", "--json", f"--ring.file={self.ring}")
        # 1: something is wrong with the host, which other tests see to.
        assert result.returncode in (0, 1) and result.stderr == "", f"sockwatch status: {result}"
        number = json.loads(result.stdout)["number"]
        assert number >= self.newest, f"{number} after {self.newest}"
        self.newest = number


def generations(ring):
    with open(ring, "rb") as file:
        return [int.from_bytes(os.pread(file.fileno(), 8, at), "little")
                for at in range(HEADER, RING_BYTES_MIN, SEGMENT)]


@test(f"{KILLS} times kill -9 at a random moment: what was committed is readable, and the numbers go on")
def _(scope):
    chance = random.Random(SEED)
    comment(f"seed {SEED}; SOCKWATCH_SEED={SEED} repeats it")
    ring = os.path.join(scope.folder(), "ring")
    witness = Witness(ring)
    Churn(scope, 200)
    n_starts_killed = 0

    for i in range(3 * KILLS):
        # On a slow machine it takes more of them to fill the ring.
        if i >= KILLS and (KILLS < 200 or witness.n_overwritten):
            break
        daemon = Daemon(scope, ring=ring, interval="10ms")
        scope.callback(daemon.kill)
        # Some within the start, some about the first sample; the most while more are committed, each 10 ms.
        moment = chance.random() if i > 0 else 1
        if moment < 0.2:
            time.sleep(chance.uniform(0, 0.012))
        else:
            daemon.wait_served()
            if moment > 0.4:
                daemon.wait_ready()
            time.sleep(chance.uniform(0, 0.18))
        if chance.random() < 0.2 and witness.newest:
            witness.status()
        equal(daemon.process.poll(), None, daemon.log())
        daemon.process.send_signal(signal.SIGKILL)
        equal(daemon.process.wait(), -signal.SIGKILL)

        before = witness.newest
        continued = re.search(r"continues after sample (\d+)", daemon.log())
        if continued:
            equal(int(continued[1]), last_read, "the sample after which the start continues")
        else:
            n_starts_killed += i > 0
        if i % 25 == 0:
            witness.read_all()
        else:
            witness.read_on()
        last_read = witness.newest
        assert witness.newest >= before

    witness.read_all()
    comment(f"{witness.newest} samples, {witness.n_overwritten} of them overwritten; {n_starts_killed} killed before they served")
    assert witness.newest > 2 * KILLS, "hardly any sample was taken"
    equal(os.listdir(os.path.dirname(ring)), ["ring"], "files beside the ring: something was set aside")
    if KILLS >= 200:
        assert witness.n_overwritten > 0, "the ring never went round"

    # A last start goes on as if nothing had happened.
    daemon = scope.daemon(ring=ring, interval="10ms").wait_ready()
    daemon.wait_log(rf"continues after sample {witness.newest}$")
    equal(daemon.scrape().value("sockwatch_ring_errors_total"), 0)
    daemon.wait_samples(3)
    witness.read_on()


if __name__ == "__main__":
    main(own_network)
