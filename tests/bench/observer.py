#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What a loaded server loses when it is watched: requests a second and p99 of nginx, with and without sockwatchd.

Usage: observer.py [--json FILE] [--rounds N] [--seconds N] [SIZE]

nginx and wrk share loopback and all cores; each request comes by a connection of its own, so that the server lives in
the tables that are walked, and beside it are SIZE other sockets (100000).

One daemon is there all the time, and stopped (SIGSTOP) for the turns without it: so nothing but its work differs, neither
where its memory lies nor what its start left behind, and turns can be short enough for what else the machine does to be in
both. With and without take turns, in pairs whose order alternates; as many turns as make SECONDS on each side are a round,
whose requests and latencies are put together, so that each round has the rare and the full walks in it. A round gives a
ratio, and the median of the rounds decides. What that is worth is told with it: the range that the median of ratios is in
with 95 % certainty.

While the daemon is stopped what its walks may cost goes on to be saved up. It is stopped half of the time, so it has half of
the default budget: then in its turns walks come as often as they do by default where nobody stops it. How many came is told,
and its share of a core.

CPU of nginx for a request is told beside it, as that hardly changes with what else runs: it is what caches lose. So is
p99.9, of which nothing is promised.

SOCKWATCH_BUILD names the build folder. Needs root. The exit status is 1 where more is lost than may be, and where no full
walk came, as then nothing was shown.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time

from measure import (OWN_SESSION, Load, Size, cpu_nsec, free_port, machine, make_sockets, median, seconds_text, spread, table,
                     wait_page, wrk)

from harness import Scope, Skip, await_, clean_environment, need_program, need_root, own_network

# Of what is there without it.
REQUESTS_RATIO_MIN = 0.99
P99_RATIO_MAX = 1.05

CONNECTIONS = 32
HALF_OF_THE_BUDGET = "walks:\n    budget: 0.5%\n"
TURN_SECONDS = 2
WARM_TURNS = 5  # until ports come round and caches are warm
SETTLE_SECONDS = 30  # the daemon looks at everything for the first time, and makes up for its first walk at 100,000 sockets

NGINX_CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_timeout 0;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ return 200 "{body}"; }}
    }}
}}
"""


def say(text):
    print(text, flush=True)


def serve(scope):
    folder, port = scope.folder(), free_port()
    configuration = os.path.join(folder, "nginx.conf")
    with open(configuration, "w") as file:
        file.write(NGINX_CONFIGURATION.format(folder=folder, port=port, body="x" * 1024))
    # Told before it reads the configuration, or it would write to the host's log.
    process = scope.process([*OWN_SESSION, need_program("nginx"), "-e", f"{folder}/error.log", "-p", folder, "-c", configuration],
                            stdin=subprocess.DEVNULL, env=clean_environment())
    wait_page(port, "/")
    return folder, port, process.pid


class Server:
    """nginx, and who asks it."""

    def __init__(self, scope):
        self.folder, self.port, self.pid = serve(scope)

    def load(self):
        """What its clients met in a turn, and seconds of its CPU."""
        cpu = cpu_nsec(self.pid)
        load = wrk(self.folder, self.port, "/", TURN_SECONDS, CONNECTIONS)
        return load, (cpu_nsec(self.pid) - cpu) / 1e9


class Watcher:
    """A daemon that is stopped but for its turns."""

    def __init__(self, scope):
        configuration = os.path.join(scope.folder(), "sockwatch.yaml")
        with open(configuration, "w") as file:
            file.write(HALF_OF_THE_BUDGET)
        self.daemon = scope.daemon(f"--config.file={configuration}", ring_bytes="16MiB", wrapper=OWN_SESSION).wait_ready(seconds=60)
        time.sleep(SETTLE_SECONDS)
        self.begin = self.walks()
        self.stop()

    def walks(self):
        page = self.daemon.scrape()
        return {walk: int(page.value("sockwatch_walks_total", walk=walk)) for walk in ("rare", "full")}

    def is_stopped(self):
        try:
            for thread in os.scandir(f"/proc/{self.daemon.pid}/task"):
                with open(os.path.join(thread.path, "stat")) as file:
                    if file.read().rpartition(") ")[2][0] != "T":
                        return False
        except (FileNotFoundError, ProcessLookupError):  # a thread that just ended
            return False
        return True

    def stop(self):
        os.kill(self.daemon.pid, signal.SIGSTOP)
        # One that walks is stopped when the kernel has answered.
        await_("the daemon is stopped", self.is_stopped)

    def go(self):
        os.kill(self.daemon.pid, signal.SIGCONT)

    def walks_since_begin(self):
        self.go()
        return {walk: n - self.begin[walk] for walk, n in self.walks().items()}


class Side:
    """The turns of a round with the daemon, or those without it, put together."""

    def __init__(self):
        self.load, self.server_cpu, self.daemon_cpu = Load(), 0.0, 0.0

    def add(self, load, server_cpu, daemon_cpu=0.0):
        self.load.add(load)
        self.server_cpu += server_cpu
        self.daemon_cpu += daemon_cpu

    def figures(self):
        return {"requests_per_second": self.load.rate, "p99_seconds": self.load.percentile(0.99),
                "p999_seconds": self.load.percentile(0.999),
                "server_cpu_seconds_per_request": self.server_cpu / self.load.requests,
                "daemon_cpu_share": self.daemon_cpu / self.load.seconds}


def turn_with(server, watcher, side):
    cpu = cpu_nsec(watcher.daemon.pid)
    watcher.go()
    load, server_cpu = server.load()
    watcher.stop()
    side.add(load, server_cpu, (cpu_nsec(watcher.daemon.pid) - cpu) / 1e9)


def measure_round(server, watcher, n_turns):
    watched, without = Side(), Side()
    for number in range(n_turns):
        for is_watched in (True, False) if number % 2 else (False, True):
            if is_watched:
                turn_with(server, watcher, watched)
            else:
                without.add(*server.load())
    return {"watched": watched.figures(), "without": without.figures()}


def range_of_median(values):
    """The order statistics between which the median is in 95 of 100 cases, whatever the distribution."""
    values, n = sorted(values), len(values)
    below, rank = 0.0, 0
    while rank < n // 2:
        below += math.comb(n, rank) / 2 ** n
        if below > 0.025:
            break
        rank += 1
    rank = max(rank - 1, 0)
    return values[rank], values[n - 1 - rank]


def ratios(rounds, what):
    return [one["watched"][what] / one["without"][what] for one in rounds]


def verdicts(rounds):
    found = []
    for text, what, least, most in [
            ("requests a second, of those without it", "requests_per_second", REQUESTS_RATIO_MIN, math.inf),
            ("p99, of the one without it", "p99_seconds", 0, P99_RATIO_MAX),
            ("p99.9, not judged", "p999_seconds", 0, math.inf),
            ("CPU of nginx for a request, not judged", "server_cpu_seconds_per_request", 0, math.inf)]:
        values = ratios(rounds, what)
        middle, (low, high) = median(values), range_of_median(values)
        found.append({"what": text, "value": middle, "low": low, "high": high,
                      "limit": f"at least {least:.2f}" if least else f"at most {most:.2f}" if most < math.inf else "",
                      "holds": least <= middle <= most,
                      "is_within_noise": low < least <= high or low <= most < high})
    return found


def run(arguments):
    """Returns the rounds, and the walks that came in them."""
    own_network()
    with Scope() as scope:
        make_sockets(scope, arguments.size)
        server = Server(scope)
        watcher = Watcher(scope)
        for _ in range(WARM_TURNS):
            server.load()
        rounds = []
        for number in range(arguments.rounds):
            rounds.append(measure_round(server, watcher, arguments.seconds // TURN_SECONDS))
            say(f"round {number + 1} of {arguments.rounds}: requests {ratios(rounds, 'requests_per_second')[-1]:.3f}, "
                f"p99 {ratios(rounds, 'p99_seconds')[-1]:.3f} of those without it")
        return rounds, watcher.walks_since_begin()


def verdict(of):
    if not of["limit"]:
        return ""
    return ("ok" if of["holds"] else "MISSED") + (", but noise is larger" if of["is_within_noise"] else "")


def show(rounds, found):
    rows = []
    for name, side in (("without", "without"), ("with sockwatchd", "watched")):
        rates, p99s, p999s, shares = ([one[side][what] for one in rounds] for what in (
            "requests_per_second", "p99_seconds", "p999_seconds", "daemon_cpu_share"))
        rows.append([name, f"{median(rates):,.0f}", f"{spread(rates):.1%}", seconds_text(median(p99s)), f"{spread(p99s):.1%}",
                     seconds_text(median(p999s)), f"{median(shares):.2%}" if side == "watched" else "-"])
    say(table(["nginx, medians", "requests/s", "spread", "p99", "spread", "p99.9", "CPU of the daemon"], rows))
    say("")
    say(table(["", "is", "range of 95 %", "limit", ""],
              [[v["what"], f"{v['value']:.4f}", f"{v['low']:.4f} to {v['high']:.4f}", v["limit"], verdict(v)]
               for v in found]))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", metavar="SIZE", default="100000")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--rounds", type=int, default=24, help="each gives a ratio (24)")
    parser.add_argument("--seconds", type=int, default=20, help="of load on each side of a round (20)")
    arguments = parser.parse_args()
    # Of fewer the whole range is no 95 %.
    if arguments.rounds < 6:
        parser.error("--rounds is at least 6")
    if arguments.seconds < TURN_SECONDS or arguments.seconds % TURN_SECONDS:
        parser.error(f"--seconds is a multiple of {TURN_SECONDS}")
    try:
        arguments.size = Size(arguments.size)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    host = machine()
    try:
        need_root()
        rounds, walks = run(arguments)
    except Skip as reason:
        say(f"skipped: {reason}")
        return 77

    found = verdicts(rounds)
    say(f"\n{host['cpu']}, {host['cores']} cores; {host['kernel']}; before: load {host['load_before']:.1f}")
    say(f"beside {arguments.size.words}; {len(rounds)} rounds, each of {arguments.seconds} s with and as long without, in turns of "
        f"{TURN_SECONDS} s; {CONNECTIONS} clients, a connection for each request; {walks['rare']} rare and {walks['full']} full "
        "walks in them\n")
    show(rounds, found)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": host, "sockets": arguments.size.name, "seconds": arguments.seconds,
                       "turn_seconds": TURN_SECONDS, "walks": walks, "rounds": rounds, "verdicts": found}, file, indent=1)
            file.write("\n")
    if not walks["full"]:
        say("\nno full walk came while the server was watched, so nothing is shown: give more rounds or seconds")
        return 1
    return 0 if all(v["holds"] for v in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
