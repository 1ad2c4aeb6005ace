#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch very many sockets: this project, the floor, and what people use today, in one run.

Usage: cost.py [--json FILE] [--repeats N] [--window SECONDS] [SIZE...]

A SIZE is 1000, or mix:1000 for sockets in all states with listeners and cgroups; without any, all of the long form.
SOCKWATCH_BUILD names the build folder. Needs root. What fails is a ratio to something measured in the same run, where
it has to hold; the exit status is 1 then.
"""

import argparse
import json
import signal
import statistics
import sys
import time

from measure import Size, machine, make_sockets, median, seconds_text, spread, table, MIB

import daemon_cost
from contenders import contenders
from harness import Scope, Skip, need_root, own_network
from verdicts import judge

# Samples without a walk, one a second: what some of them do every ten seconds is in their mean.
TICKS = 20

LONG = ["1000", "10000", "100000", "mix:100000", "1000000", "mix:1000000"]
FLOOR = "floor: one walk"


def say(text):
    print(text, flush=True)


def is_rare(contender, size):
    """Whether it takes so long that it is not measured as often as the others."""
    return contender.at_most is not None and size.n >= 1_000_000


def start_all(scope, size):
    """Returns the contenders that can run here, and why the others cannot."""
    there, missing = [], {}
    for contender in contenders():
        try:
            contender.start(scope, size)
            if not contender.is_paced and not is_rare(contender, size):
                contender.measure()  # the first is of no account: caches are cold, and heaps small
            there.append(contender)
        except Skip as reason:
            missing[contender.name] = {"missing": str(reason)}
    return there, missing


def take_turns(there, size, repeats):
    """Each contender once, and again, and again; then those that have a pace."""
    measures = {contender.name: [] for contender in there}
    for turn in range(repeats):
        for contender in there:
            is_enough = contender.is_over or (is_rare(contender, size) and turn >= contender.at_most)
            if not contender.is_paced and not (is_enough and measures[contender.name]):
                measures[contender.name].append(contender.measure())

    paced = [contender for contender in there if contender.is_paced]
    begin = time.monotonic()
    for tick in range(-1, TICKS):
        for contender in paced:
            measure = contender.measure()
            if tick >= 0:  # the first has to do what was due meanwhile
                measures[contender.name].append(measure)
        time.sleep(max(0, begin + tick + 2 - time.monotonic()))
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
    """Figures by name, in the order of the contenders."""
    there, figures = start_all(scope, size)
    measures = take_turns(there, size, repeats)
    found = {contender.name: figure(contender, measures[contender.name], repeats) for contender in there}
    return {**found, **figures}


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


def measure_size(size, arguments):
    repeats = arguments.repeats
    own_network()
    with Scope() as scope:
        begin = time.monotonic()
        make_sockets(scope, size)
        say(f"\n== {size.words} (made in {time.monotonic() - begin:.1f} s) ==")
        with Scope() as turns:
            figures = measure_samples(turns, size, repeats)
        show_samples(size, figures, repeats)
        daemon = daemon_cost.measure(size, arguments.window, arguments.seconds)
        say("\n" + daemon_cost.show(daemon))
    return {"samples": figures, "daemon": daemon}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help="as 10000 or mix:10000")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--repeats", type=int, default=5, help="measures of each contender (5)")
    parser.add_argument("--window", type=int, help="seconds the daemon is watched (120; 20 where sizes are given)")
    arguments = parser.parse_args()

    is_long = not arguments.sizes
    arguments.window = arguments.window or (120 if is_long else 20)
    arguments.seconds = 8 if is_long else 3  # of each run of wrk
    if arguments.repeats < 1 or arguments.window < 5:
        parser.error("--repeats is at least 1, --window at least 5")
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
    return 0 if all(v["holds"] for v in verdicts) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
