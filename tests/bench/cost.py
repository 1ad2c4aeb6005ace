#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch very many sockets: this project, the floor, and what people use today, in one run.

Usage: cost.py [--json FILE] [--repeats N] [--window SECONDS] [--seconds SECONDS] [SIZE...]

A SIZE is 1000, or mix:1000 for sockets in all states with listeners and cgroups; without any, all of the long form.
SOCKWATCH_BUILD names the build folder. Needs root. What fails is a ratio to something measured in the same run, where
it has to hold, or a limit in shares of a core, bytes or instructions (verdicts.py); the exit status is 1 then, and also
where a size could not be measured.
"""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

from measure import Size, machine, make_sockets, median, program, seconds_text, sockets_of_host, spread, table, MIB

import daemon_cost
from contenders import contenders
from harness import Scope, Skip, clean_environment, need_root, own_network
from verdicts import judge

# Samples without a walk, one a second: what some of them do every ten seconds is in their mean.
TICKS = 20

# What lsof and others leave behind is so much from here on that what comes each second is measured after them as well.
AFTER_FROM = 100_000

# Under callgrind all takes fifty times as long.
INSTRUCTIONS_MOST = 100_000

# Of the sockets that are watched: so many of other network namespaces, which walks pass over too, are of no account.
OTHERS_SHARE = 0.1

LONG = ["1000", "10000", "100000", "mix:100000", "1000000", "mix:1000000"]
FLOOR = "floor: one walk"


def say(text):
    print(text, flush=True)


def is_rare(contender, size):
    """Whether it takes so long that it is not measured as often as the others."""
    return contender.at_most is not None and size.n >= 1_000_000


def start_all(scope, size, wanted):
    """Returns the contenders that can run here, and why the others cannot."""
    there, missing = [], {}
    for contender in wanted:
        try:
            contender.start(scope, size)
            if not is_rare(contender, size):
                contender.measure()  # the first is of no account: caches are cold, and heaps small
            there.append(contender)
        except Skip as reason:
            missing[contender.name] = {"missing": str(reason)}
    return there, missing


def keep_pace(paced):
    measures = {contender.name: [] for contender in paced}
    begin = time.monotonic()
    for tick in range(-1, TICKS):
        for contender in paced:
            measure = contender.measure()
            if tick >= 0:  # the first has to do what was due meanwhile
                measures[contender.name].append(measure)
        time.sleep(max(0, begin + tick + 2 - time.monotonic()))
    return measures


def take_turns(there, size, repeats):
    """Each contender once, then each again in the reverse order, and so on.

    What one leaves in the caches of the processor the next one finds: so whoever comes first comes second as often.
    """
    measures = {contender.name: [] for contender in there}
    for turn in range(repeats):
        for contender in there if turn % 2 == 0 else reversed(there):
            is_enough = contender.is_over or (is_rare(contender, size) and turn >= contender.at_most)
            if not (is_enough and measures[contender.name]):
                measures[contender.name].append(contender.measure())
    return measures


def figure(contender, measures, repeats):
    cpu = [m.cpu for m in measures]
    walls = [m.wall for m in measures if m.wall is not None]
    # What comes in few ticks counts as well, so their mean is taken.
    middle = statistics.mean if contender.is_paced else median
    note = contender.note
    if contender.is_paced:
        note = f"mean of {len(cpu)}, one a second; the dearest {seconds_text(max(cpu))}"
    elif len(cpu) < repeats:
        note = f"measured {len(cpu)} times only; {note}".rstrip("; ")
    return {
        "cpu_seconds": middle(cpu), "cpu_spread": spread(cpu), "cpu_all": cpu,
        "wall_seconds": middle(walls) if walls else None, "peak_bytes": max(m.peak for m in measures), "note": note,
    }


def measure_samples(scope, size, repeats):
    """Figures by name, in the order of the contenders.

    Who looks at a million descriptors leaves as many entries in the kernel's cache of paths, which makes whatever opens
    files slower for as long as they are there: so what each second costs is measured before the others are even started.
    """
    everybody = contenders()
    paced, without_pace = start_all(scope, size, [contender for contender in everybody if contender.is_paced])
    measures = keep_pace(paced)
    there, missing = start_all(scope, size, [contender for contender in everybody if not contender.is_paced])
    measures |= take_turns(there, size, repeats)
    after = keep_pace(paced) if size.n >= AFTER_FROM else {}

    found = {**without_pace, **missing}
    found |= {contender.name: figure(contender, measures[contender.name], repeats) for contender in paced + there}
    ordered = {}
    for contender in everybody:
        ordered[contender.name] = found[contender.name]
        if contender.name in after:
            ordered[f"{contender.name}, after the others"] = figure(contender, after[contender.name], repeats)
    return ordered


def show_samples(size, figures, repeats):
    floor = figures[FLOOR]["cpu_seconds"]
    rows = []
    for name, figure in figures.items():
        if "missing" in figure:
            rows.append([name, figure["missing"], "", "", "", ""])
            continue
        rows.append([name, seconds_text(figure["cpu_seconds"]), f"{figure['cpu_spread']:.0%}",
                     "-" if figure["wall_seconds"] is None else seconds_text(figure["wall_seconds"]),
                     f"{figure['peak_bytes'] / MIB:.1f} MiB", f"{figure['cpu_seconds'] / floor:.4f}"])
    say(f"\n{size.words}; medians of {repeats}, taking turns\n")
    say(table(["one sample", "CPU", "spread", "time", "peak memory", "of the floor"], rows))
    for name, figure in figures.items():
        if figure.get("note"):
            say(f"  {name}: {figure['note']}")


def instructions(scope, size):
    """Instructions in user space of a full sample, by socket, as callgrind counts them: these do not vary."""
    if not shutil.which("valgrind"):
        raise Skip("not installed (valgrind)")
    counts = []
    for n in (1, 3):
        result = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={scope.folder()}/out",
                                 program("bench-sample")], input="full\n" * n, capture_output=True, text=True,
                                env=clean_environment(), check=True)
        counts.append(int(re.search(r"Collected : (\d+)", result.stderr)[1]))
    return (counts[1] - counts[0]) / 2 / size.n


def measure_instructions(scope, size):
    try:
        return {"a_socket": instructions(scope, size)}
    except Skip as reason:
        return {"missing": str(reason)}


def wait_for_others(size, seconds=60):
    """Connections of namespaces that are gone are tried to be closed for a while. Returns how many are left of them."""
    deadline = time.monotonic() + seconds
    while (n := sockets_of_host()) > size.n * OTHERS_SHARE / 10 and time.monotonic() < deadline:
        time.sleep(0.2)
    return n


def measure_size(size, arguments):
    repeats = arguments.repeats
    own_network()
    with Scope() as scope:
        n_others, load, begin = wait_for_others(size), os.getloadavg()[0], time.monotonic()
        make_sockets(scope, size)
        n_begin = sockets_of_host()
        say(f"\n== {size.words} (made in {time.monotonic() - begin:.1f} s; load before {load:.1f}) ==")
        with Scope() as turns:
            figures = measure_samples(turns, size, repeats)
        show_samples(size, figures, repeats)
        of_callgrind = {"missing": "takes long with so many sockets"}
        if size.n <= INSTRUCTIONS_MOST and not size.is_mixed:
            of_callgrind = measure_instructions(scope, size)
        if "a_socket" in of_callgrind:
            say(f"  instructions of a full sample in user space, by callgrind: {of_callgrind['a_socket']:.0f} a socket")
        daemon = daemon_cost.measure(size, arguments.window, arguments.seconds)
        say("\n" + daemon_cost.show(daemon))
        n_others += max(sockets_of_host() - n_begin, 0)
        if n_others > size.n * OTHERS_SHARE:
            say(f"SPOILED: walks passed over {n_others:,} sockets of other namespaces too")
    return {"samples": figures, "daemon": daemon, "instructions": of_callgrind, "sockets_of_others": n_others,
            "load_before": load}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help="as 10000 or mix:10000")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--repeats", type=int, default=6, help="measures of each contender (6)")
    parser.add_argument("--seconds", type=int, help="of each run of wrk (8; 3 where sizes are given)")
    parser.add_argument("--window", type=int, help="seconds the daemon is watched (120; 20 where sizes are given)")
    arguments = parser.parse_args()

    is_long = not arguments.sizes
    arguments.window = arguments.window or (120 if is_long else 20)
    arguments.seconds = arguments.seconds or (8 if is_long else 3)
    if arguments.repeats < 1 or arguments.window < 5 or arguments.seconds < 1:
        parser.error("--repeats and --seconds are at least 1, --window at least 5")
    try:
        arguments.sizes = [Size(text) for text in arguments.sizes or LONG]
    except ValueError as error:
        parser.error(str(error))
    return arguments


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwind, so that everything is cleaned up
    try:
        need_root()
    except Skip as reason:
        say(f"skipped: {reason}")
        return 77

    host = machine()
    say(f"{host['cpu']}, {host['cores']} cores, {host['memory_bytes'] / (1 << 30):.0f} GiB; {host['kernel']}; "
        f"before: load {host['load_before']:.1f}, {host['sockets_before']:,} TCP sockets in all namespaces")
    say("CPU: user and system, of all processes. Spread: half of the measures are that near to the median. "
        "Peak memory: of the largest process.")

    results, left_out = {}, []
    for size in arguments.sizes:
        try:
            results[size.name] = measure_size(size, arguments)
        except Skip as reason:
            left_out.append(f"{size.words}: {reason}")

    verdicts, not_judged = judge(results)
    say("\nIt has to show:\n")
    say(table(["", "is", "at most", "", ""],
              [[v["what"], v["is"], v["limit"], v["size"], "ok" if v["holds"] else "MISSED"] for v in verdicts]))
    for text in not_judged:
        say(f"not judged: {text}")
    for text in left_out:
        say(f"left out: {text}")

    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": host, "sizes": results, "verdicts": verdicts, "not_judged": not_judged,
                       "left_out": left_out, "repeats": arguments.repeats, "window_seconds": arguments.window},
                      file, indent=1)
            file.write("\n")
    spoiled = [name for name, of in results.items() if of["sockets_of_others"] > int(name.rpartition(":")[2]) * OTHERS_SHARE]
    for name in spoiled:
        say(f"SPOILED by sockets of other network namespaces: {name}")
    return 0 if all(v["holds"] for v in verdicts) and not left_out and not spoiled else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
