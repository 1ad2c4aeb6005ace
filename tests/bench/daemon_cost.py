# SPDX-License-Identifier: Apache-2.0
"""What the daemon costs as it is run: CPU over a while, memory beside its ring file, and how fast it answers."""

import os
import signal
import subprocess
import time
from statistics import mean

from measure import (MIB, OWN_SESSION, cpu_nsec, free_port, median, peak_beside, seconds_text, spread, status_bytes, table,
                     wait_page, wrk)

from harness import Scope, Skip, clean_environment, need_program

# Prometheus asks that often, as a rule.
SCRAPE_EVERY_SECONDS = 15

# What else the machine does shows in some of the readings. Each is a scrape, which costs most where there are many
# series: so a long window has no more of them than Prometheus takes.
READINGS_MIN = 4

RING_BYTES_DEFAULT = "16MiB"

# How the walks are switched off, and how one comes with each sample. The interval is as by default: what the sampler
# does when others keep it waiting depends on it (daemon/scheduling.h).
WALKS_NEVER = "walks: { budget: 0% }\n"
WALKS_ALWAYS = "walks: { budget: 100% }\n"
INTERVAL = "1s"

TURNS = 5
CONNECTIONS = 4  # for throughput: without a pause

# For latency, about 500 scrapes a second: so few leave the cores alone, and of so many less than one in a hundred is the
# first after a sample, for which the page has to be written.
PACED_CONNECTIONS = 2
PAUSE_MSEC = 4

# Of less a walk is over so soon that hardly a scrape meets one.
LATENCY_FROM = 100_000


def count_series(page):
    return sum(1 for line in page.splitlines() if line and not line.startswith("#"))


def sampler_nsec(pid):
    """What the thread that samples has run, to the nanosecond while it does not (Documentation/scheduler/sched-stats.rst)."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            if file.read() != "sampler\n":
                continue
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            return int(file.read().split()[0])
    raise AssertionError("no thread named sampler")


def spent(daemon):
    """Returns how many samples there were, and CPU seconds in all but walks.

    The page tells of the last sample, the processor's clock of now: so both are read while no sample is taken.
    """
    while True:
        before = sampler_nsec(daemon.pid)
        time.sleep(0.01)
        page, cpu = daemon.scrape(), cpu_nsec(daemon.pid)
        if sampler_nsec(daemon.pid) == before:
            walks = sum(page.value("sockwatch_walk_cpu_seconds_total", walk=walk) for walk in ("rare", "full"))
            return page.value("sockwatch_samples_total"), cpu / 1e9 - walks


def watch(scope, window):
    """The daemon with its default configuration, scraped as by Prometheus, from its start on.

    The first walk, which is over all, is in the window: the next full one of a host with a million sockets comes two
    and a half minutes later, so that a window behind it would have none.
    """
    begin = time.monotonic()
    daemon = scope.daemon(ring_bytes=RING_BYTES_DEFAULT, wrapper=OWN_SESSION).wait_ready(seconds=60)
    readings, every = [], min(SCRAPE_EVERY_SECONDS, window / 2 / READINGS_MIN)
    peak = peak_beside(daemon.pid, daemon.ring)
    n_scrapes = 0
    while (now := time.monotonic()) < begin + window:
        # Without what comes once: it looks for the processes of listeners, and makes room.
        if now >= begin + window / 2 + len(readings) * every:
            readings.append(spent(daemon))
        elif now >= begin + n_scrapes * SCRAPE_EVERY_SECONDS and not readings:
            daemon.scrape()
            n_scrapes += 1
        peak = max(peak, peak_beside(daemon.pid, daemon.ring))
        time.sleep(min(1, begin + window - now))
    share = cpu_nsec(daemon.pid) / 1e9 / (time.monotonic() - begin)
    page = daemon.scrape()
    readings.append(spent(daemon))
    steps = [[after - before for before, after in zip(*pair)] for pair in zip(readings, readings[1:])]
    beside_walks = [cpu / n_samples for n_samples, cpu in steps if n_samples > 0]
    return daemon, {
        "window_seconds": window, "cpu_share": share, "samples": daemon.samples(),
        "cpu_seconds_beside_walks": median(beside_walks), "cpu_seconds_beside_walks_all": beside_walks,
        "walks": {walk: int(page.value("sockwatch_walks_total", walk=walk)) for walk in ("rare", "full")},
        "peak_beside_ring_bytes": peak, "peak_bytes": status_bytes(daemon.pid, "VmHWM"),
    }


# As node_exporter is run for what the daemon has too, and as it is run by default: who has more series needs longer.
NODE_EXPORTERS = {
    "netstat, sockstat, filefd": ["--collector.disable-defaults", "--collector.netstat", "--collector.sockstat",
                                  "--collector.filefd"],
    "defaults": [],
}


def node_exporter(scope, flags):
    """Returns its port and how many series it has."""
    port = free_port()
    scope.process([need_program("prometheus-node-exporter"), "--web.disable-exporter-metrics", "--log.level=error",
                   f"--web.listen-address=127.0.0.1:{port}", *flags], stderr=subprocess.DEVNULL, env=clean_environment())
    return port, count_series(wait_page(port))


def throughput(scope, daemon, seconds):
    """Requests a second of a client that does not pause, taking turns with node_exporter."""
    folder, figures = scope.folder(), {}
    servers = {"sockwatchd": (daemon.port, count_series(daemon.get()[2]))}
    for name, flags in NODE_EXPORTERS.items():
        servers[name] = node_exporter(scope, flags)

    rates = {name: [] for name in servers}
    for _ in range(TURNS):
        for name, (port, _) in servers.items():
            rates[name].append(wrk(folder, port, "/metrics", seconds, CONNECTIONS).rate)
    for name, (_, n) in servers.items():
        figures[name] = {"requests_per_second": median(rates[name]), "spread": spread(rates[name]), "series": n}
    return figures


def configured(scope, text):
    path = os.path.join(scope.folder(), "sockwatch.yaml")
    with open(path, "w") as file:
        file.write(text)
    return scope.daemon(f"--config.file={path}", interval=INTERVAL, wrapper=OWN_SESSION).wait_ready(seconds=60)


def count_walks(daemon):
    page = daemon.scrape()
    return sum(int(page.value("sockwatch_walks_total", walk=walk)) for walk in ("rare", "full"))


def latency(scope, seconds):
    """Scrapes at rest and with a full walk a second, taking turns; the other daemon is stopped meanwhile.

    What is judged is the median of the ratios, turn by turn, so that what else the machine does is in both of a pair.
    """
    folder = scope.folder()
    resting, walking = configured(scope, WALKS_NEVER), configured(scope, WALKS_ALWAYS)
    figures = {name: {"p50": [], "p99": [], "busy": [], "walks": []} for name in ("rest", "walk")}
    for daemon in (resting, walking):
        os.kill(daemon.pid, signal.SIGSTOP)
    for _ in range(TURNS):
        for name, daemon in (("rest", resting), ("walk", walking)):
            os.kill(daemon.pid, signal.SIGCONT)
            time.sleep(0.5)  # for what was missed
            n_walks, begin, cpu = count_walks(daemon), time.monotonic(), cpu_nsec(daemon.pid)
            load = wrk(folder, daemon.port, "/metrics", seconds, PACED_CONNECTIONS, PAUSE_MSEC)
            figures[name]["busy"].append((cpu_nsec(daemon.pid) - cpu) / 1e9 / (time.monotonic() - begin))
            n_walks = count_walks(daemon) - n_walks
            assert (n_walks > 0) == (name == "walk"), f"{n_walks} walks in a turn of {name}"
            figures[name]["walks"].append(n_walks)
            os.kill(daemon.pid, signal.SIGSTOP)
            figures[name]["p50"].append(load.percentile(0.50))
            figures[name]["p99"].append(load.percentile(0.99))
    return {
        "p99_ratio": median([walk / rest for walk, rest in zip(figures["walk"]["p99"], figures["rest"]["p99"])]),
        **{name: {"p50_seconds": median(f["p50"]), "p99_seconds": median(f["p99"]), "p99_all": f["p99"],
                  "cpu_share": median(f["busy"]), "walks": sum(f["walks"])} for name, f in figures.items()},
    }


def measure(size, window, seconds):
    with Scope() as scope:
        daemon, figures = watch(scope, window)
        try:
            need_program("wrk")
            figures["throughput"] = throughput(scope, daemon, seconds)
        except Skip as reason:
            figures["throughput"] = {"missing": str(reason)}
    with Scope() as scope:
        try:
            if size.n < LATENCY_FROM:
                raise Skip("a walk is over too soon")
            need_program("wrk")
            figures["latency"] = latency(scope, seconds)
        except Skip as reason:
            figures["latency"] = {"missing": str(reason)}
    return figures


def show(figures):
    rows = [
        ["CPU, all included", f"{figures['cpu_share']:.2%} of one core"],
        ["CPU beside walks, a sample with its share of scrapes",
         f"{seconds_text(figures['cpu_seconds_beside_walks'])}, median; "
         f"mean {seconds_text(mean(figures['cpu_seconds_beside_walks_all']))}"],
        ["samples taken, from the start on", f"{figures['samples']} in {figures['window_seconds']} s"],
        ["walks with them, rare and full", f"{figures['walks']['rare']} and {figures['walks']['full']}"],
        ["peak memory beside the ring file", f"{figures['peak_beside_ring_bytes'] / MIB:.1f} MiB"],
        ["peak memory with what is resident of it", f"{figures['peak_bytes'] / MIB:.1f} MiB"],
    ]
    throughput = figures["throughput"]
    if "missing" in throughput:
        rows.append(["scrapes a second", throughput["missing"]])
    else:
        for name, of in throughput.items():
            rows.append([f"scrapes a second: {name if name == 'sockwatchd' else 'node_exporter, ' + name}, "
                         f"{of['series']} series", f"{of['requests_per_second']:,.0f} (spread {of['spread']:.0%})"])
    latency = figures["latency"]
    if "missing" in latency:
        rows.append(["time of a scrape", latency["missing"]])
    else:
        for name, words in (("rest", "time of a scrape without walks"), ("walk", "time of a scrape with a full walk a second")):
            of = latency[name]
            rows.append([words, f"p50 {seconds_text(of['p50_seconds'])}, p99 {seconds_text(of['p99_seconds'])} "
                                f"({seconds_text(min(of['p99_all']))} to {seconds_text(max(of['p99_all']))}), "
                                f"{of['walks']} walks, {of['cpu_share']:.0%} of a core busy"])
    return table([f"the daemon, defaults, a scrape every {SCRAPE_EVERY_SECONDS} s", ""], rows)
