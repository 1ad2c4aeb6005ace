#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""What a loaded server loses when it is watched: requests a second and p99 of nginx, with and without sockwatchd.

Usage: observer.py [--json FILE] [--pairs N] [--seconds N] [SIZE]

nginx and wrk share loopback and all cores; each request comes by a connection of its own, so that the server lives in
the tables that are walked, and beside it are SIZE other sockets (100000). With and without take turns, in pairs whose
order alternates, and a pair gives a ratio: so what else the machine does mostly drops out. What it is worth is told with
it: the range that the median of ratios is in with 95 % certainty. The median decides. Each time is long enough to see the
walks come round.

CPU of nginx for a request is told beside it, as that hardly changes with what else runs: it is what caches lose.

SOCKWATCH_BUILD names the build folder. Needs root. The exit status is 1 where more is lost than may be.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import time

from measure import OWN_SESSION, Size, cpu_nsec, free_port, machine, make_sockets, median, seconds_text, spread, table, wait_page, wrk

from harness import Scope, Skip, clean_environment, need_program, need_root, own_network

# Of what is there without it.
REQUESTS_RATIO_MIN = 0.99
P99_RATIO_MAX = 1.05

CONNECTIONS = 32
SETTLE_SECONDS = 3  # the daemon looks at everything for the first time

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
    def __init__(self, scope, seconds):
        self.folder, self.port, self.pid = serve(scope)
        self.seconds = seconds

    def load(self):
        """Requests a second, p99 in seconds, and seconds of CPU of the server for a request."""
        cpu = cpu_nsec(self.pid)
        rate, _, p99 = wrk(self.folder, self.port, "/", self.seconds, CONNECTIONS)
        return rate, p99, (cpu_nsec(self.pid) - cpu) / 1e9 / (rate * self.seconds)

    def without(self):
        return {"load": self.load(), "cpu_share": 0}

    def watched(self):
        with Scope() as scope:
            daemon = scope.daemon(ring_bytes="16MiB", wrapper=OWN_SESSION).wait_ready(seconds=60)
            time.sleep(SETTLE_SECONDS)
            begin, cpu = time.monotonic(), cpu_nsec(daemon.pid)
            load = self.load()
            return {"load": load, "cpu_share": (cpu_nsec(daemon.pid) - cpu) / 1e9 / (time.monotonic() - begin)}

    def pair(self, number):
        if number % 2:
            watched, without = self.watched(), self.without()
        else:
            without, watched = self.without(), self.watched()
        return watched, without


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


def ratios(pairs, i):
    return [watched["load"][i] / without["load"][i] for watched, without in pairs]


def verdicts(pairs):
    found = []
    for what, i, least, most in [("requests a second, of those without it", 0, REQUESTS_RATIO_MIN, math.inf),
                                 ("p99, of the one without it", 1, 0, P99_RATIO_MAX),
                                 ("CPU of nginx for a request, not judged", 2, 0, math.inf)]:
        values = ratios(pairs, i)
        middle, (low, high) = median(values), range_of_median(values)
        found.append({"what": what, "value": middle, "low": low, "high": high,
                      "limit": f"at least {least:.2f}" if least else f"at most {most:.2f}" if most < math.inf else "",
                      "holds": least <= middle <= most,
                      "is_within_noise": low < least <= high or low <= most < high})
    return found


def run(arguments):
    own_network()
    with Scope() as scope:
        make_sockets(scope, arguments.size)
        server = Server(scope, arguments.seconds)
        server.load()  # until ports come round and caches are warm
        pairs = []
        for number in range(arguments.pairs):
            pairs.append(server.pair(number))
    return pairs


def verdict(of):
    if not of["limit"]:
        return ""
    return ("ok" if of["holds"] else "MISSED") + (", but noise is larger" if of["is_within_noise"] else "")


def show(pairs, found):
    rows = []
    for name, k in (("without", 1), ("with sockwatchd", 0)):
        rates, p99s = ([pair[k]["load"][i] for pair in pairs] for i in (0, 1))
        share = median(pair[k]["cpu_share"] for pair in pairs)
        rows.append([name, f"{median(rates):,.0f}", f"{spread(rates):.1%}", seconds_text(median(p99s)),
                     f"{spread(p99s):.1%}", f"{share:.2%}" if share else "-"])
    say(table(["nginx, medians", "requests/s", "spread", "p99", "spread", "CPU of the daemon"], rows))
    say("")
    say(table(["", "is", "range of 95 %", "limit", ""],
              [[v["what"], f"{v['value']:.4f}", f"{v['low']:.4f} to {v['high']:.4f}", v["limit"], verdict(v)]
               for v in found]))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", metavar="SIZE", default="100000")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--pairs", type=int, default=16, help="times with it and times without (16)")
    parser.add_argument("--seconds", type=int, default=20, help="of load each time (20)")
    arguments = parser.parse_args()
    # Of fewer the whole range is no 95 %.
    if arguments.pairs < 6 or arguments.seconds < 2:
        parser.error("--pairs is at least 6, --seconds at least 2")
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
        pairs = run(arguments)
    except Skip as reason:
        say(f"skipped: {reason}")
        return 77

    found = verdicts(pairs)
    say(f"{host['cpu']}, {host['cores']} cores; {host['kernel']}; before: load {host['load_before']:.1f}")
    say(f"beside {arguments.size.words}; {len(pairs)} pairs of {arguments.seconds} s, {CONNECTIONS} clients, a connection "
        "for each request\n")
    show(pairs, found)
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"machine": host, "sockets": arguments.size.name, "seconds": arguments.seconds,
                       "pairs": [{"watched": watched, "without": without} for watched, without in pairs],
                       "verdicts": found}, file, indent=1)
            file.write("\n")
    return 0 if all(v["holds"] for v in found) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
