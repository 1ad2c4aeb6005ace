#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""How long one second of a full ring takes to be shown: sockwatch history --at and listeners --at.

Usage: history-at.py BUSY-HOUR SOCKWATCH

The whole command is measured, from fork to exit, for seconds at random, taking turns with two others on the
same file: cksum, which only reads it, and sockwatch history of all of it. Figures are told in milliseconds;
what fails is a ratio.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

N_SECONDS = 100
WHOLE_EVERY = 10

# One second is found without reading all of the ring: it takes a small part of what that does.
WHOLE_RATIO_MAX = 0.1


def measure(command):
    begin = time.perf_counter()
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "LC_ALL": "C"})
    took = time.perf_counter() - begin
    # A queue of that host is full, which is what 1 says.
    assert result.returncode in (0, 1) and not result.stderr, f"{command}: {result.returncode} {result.stderr}"
    return took * 1000


def main(busy_hour, sockwatch):
    seed = random.randrange(1 << 32)
    choose = random.Random(seed)

    with tempfile.TemporaryDirectory(prefix="sockwatch-bench-") as folder:
        ring = os.path.join(folder, "ring")
        made = subprocess.run([busy_hour, ring], check=True, capture_output=True, text=True)
        first, last = (int(usec) // 1_000_000 for usec in made.stdout.split())
        at = {name: [] for name in ("history --at", "listeners --at")}
        others = {name: [] for name in ("--version", "history --since, all of it", "cksum")}

        for turn in range(N_SECONDS):
            second = choose.randrange(first + 1, last)
            for name, took in at.items():
                verb, flag = name.split()
                took.append((measure([sockwatch, verb, f"--ring.file={ring}", f"{flag}=@{second}"]), second))
            if turn % WHOLE_EVERY == 0:
                others["--version"].append(measure([sockwatch, "--version"]))
                others["cksum"].append(measure(["cksum", ring]))
                others["history --since, all of it"].append(
                    measure([sockwatch, "history", f"--ring.file={ring}", "--since=@0"]))

        # The ends of the ring, where a search has the longest way.
        for name, took in at.items():
            verb, flag = name.split()
            took += [(measure([sockwatch, verb, f"--ring.file={ring}", f"{flag}=@{second}"]), second)
                     for second in (first + 1, last)]

    print(f"{last - first} seconds in the ring, {N_SECONDS} of them, seed {seed}")
    for name, took in at.items():
        worst, second = max(took)
        median = statistics.median(t for t, _ in took)
        print(f"{name:28} median {median:7.1f} ms   worst {worst:7.1f} ms (@{second})")
    for name, took in others.items():
        print(f"{name:28} median {statistics.median(took):7.1f} ms")

    whole = statistics.median(others["history --since, all of it"])
    n_slow = 0
    for name, took in at.items():
        ratio = statistics.median(t for t, _ in took) / whole
        print(f"{name:28} {ratio:.3f} of what all of it takes, at most {WHOLE_RATIO_MAX}")
        n_slow += ratio > WHOLE_RATIO_MAX
    return 1 if n_slow else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
