#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A crowd of listeners, units and processes takes bounded memory, and no total is lost in it.

All of it is real: sockets that listen, cgroups, processes. SOCKWATCH_BOUNDS=full makes 5,000 listeners in 5,000
cgroups and 20,000 processes of them; without that, as in the suite, there are fewer.
"""

import glob
import os
import subprocess
import threading
import time

from harness import (ROOT, Scraper, Skip, await_, comment, equal, main, need_program, need_root, own_network, test)

IS_FULL = os.environ.get("SOCKWATCH_BOUNDS") == "full"
N_UNITS, N_PROCESSES = (5000, 20000) if IS_FULL else (600, 2000)

# As in lib/collect/bounds.c, where no configuration says otherwise.
LISTENER_ROWS, UNIT_ROWS, PROCESS_ROWS = 256, 128, 20

# What a collector can tell apart: LISTEN_SOCKETS_MAX and UNITS_TRACKED_MAX.
LISTEN_SOCKETS_MAX, UNITS_TRACKED_MAX = 8192, 8192

# More than a daemon may grow by however many listeners, units and processes there are.
GROWTH_MAX = 48 << 20

# What the second crowd, as large as the first, may add to that.
AGAIN_MAX = 2 << 20


def cgroup_root():
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, rest = line.split(" - ")
            if rest.split()[0] == "cgroup2":
                return fields.split()[4]
    raise Skip("no cgroup2 is mounted")


def remove_cgroups(folder):
    def is_gone():
        for path in [*glob.glob(os.path.join(folder, "*.service")), folder]:
            try:
                os.rmdir(path)
            except FileNotFoundError:
                pass
            except OSError:  # the last process of it is still dying
                return False
        return True

    await_(f"{folder} is removed", is_gone, seconds=60)


class Crowd:
    """See crowd.c."""

    def __init__(self, scope, n_units, n_sockets, n_processes):
        self.folder = os.path.join(cgroup_root(), f"sockwatch-bounds-{os.getpid()}")
        try:
            os.mkdir(self.folder)
        except OSError as error:
            raise Skip(f"no cgroup can be made here: {error}") from None
        scope.callback(remove_cgroups, self.folder)
        self.process = scope.process([crowd_program(scope), self.folder, str(n_units), str(n_sockets), str(n_processes)],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(self.process.stdout.readline(), b"ready\n", "the crowd")

    def leave(self):
        self.process.stdin.close()
        equal(self.process.wait(60), 0, "the crowd's exit status")
        remove_cgroups(self.folder)


def crowd_program(scope):
    """Linked with nothing, so that a process of it is as small as can be."""
    program = os.path.join(scope.folder(), "crowd")
    subprocess.run([need_program("cc"), "-O2", "-static", "-std=gnu17", "-D_GNU_SOURCE", "-o", program,
                    os.path.join(ROOT, "tests", "e2e", "crowd.c")], check=True)
    return program


def rows(page, name, **wanted):
    """Each row's value by its labels, but for those that are wanted."""
    return {tuple(pair for pair in labels if pair[0] not in wanted): value
            for (series, labels), value in page.series.items()
            if series == name and wanted.items() <= dict(labels).items()}


def count_rows(page, name, **wanted):
    """How many have a name of their own, and which of the others there are."""
    names = [dict(labels).get("address") or dict(labels)["unit"] for labels in rows(page, name, **wanted)]
    apart = sorted(name for name in names if name in ("other", "unattributed"))
    return len(names) - len(apart), apart


def total(page, name, **wanted):
    return sum(rows(page, name, **wanted).values())


def resident_bytes(daemon):
    """Without the ring file, whose pages are the kernel's to drop."""
    with open(f"/proc/{daemon.pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon:"))


class OtherUnits:
    """The cgroups beside the crowd's that there were at any time since it began: other tests make some, and remove them."""

    def __init__(self, scope):
        self.root, self.paths, self.is_over = cgroup_root(), set(), threading.Event()
        self.look()
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        scope.callback(watcher.join)
        scope.callback(self.is_over.set)

    def watch(self):
        while not self.is_over.wait(0.1):
            self.look()

    def look(self):
        for folder, names, _ in os.walk(self.root):
            names[:] = [name for name in names if not name.startswith("sockwatch-bounds-")]
            self.paths.add(folder)


def check_totals(page):
    for state, n in page.states().items():
        equal(total(page, "sockwatch_unit_tcp_sockets", state=state), n, f"units' sockets in {state}")
    equal(total(page, "sockwatch_listener_listening_sockets"), page.states()["listen"], "sockets of listeners")
    equal(total(page, "sockwatch_top_process_open_fds"), total(page, "sockwatch_unit_open_fds"),
          "descriptors of processes and of units")


def check_complete(page):
    equal(set(rows(page, "sockwatch_truncated_total").values()), {0}, "truncated")
    equal({dict(labels)["collector"]: value for labels, value in rows(page, "sockwatch_collector_incomplete").items()
           if value}, {}, "incomplete")


def wait_counted(scraper, n_sockets, n_processes):
    """Processes are come to by and by; names of cgroups when they are met."""
    def page():
        now = scraper.scrape()
        found = (now.states()["listen"], total(now, "sockwatch_unit_processes") >= n_processes,
                 total(now, "sockwatch_unit_tcp_sockets", unit="unattributed", state="listen"))
        return now if found == (n_sockets, True, 0) else None

    return await_("everything is counted", page, seconds=120, every=0.2)


def tell_cost(scraper, what, n_ticks=20):
    first = scraper.after(1)
    last = scraper.after(n_ticks, seconds=60)
    n = last.value("sockwatch_samples_total") - first.value("sockwatch_samples_total")
    cpu = last.value("process_cpu_seconds_total") - first.value("process_cpu_seconds_total")
    comment(f"{what}: {cpu / n * 1000:.2f} ms of CPU a sample, scrapes included; " + ", ".join(
        f"{dict(labels)['collector']} {value * 1000:.2f} ms"
        for labels, value in rows(last, "sockwatch_collector_duration_seconds").items() if value > 0.0005))


@test(f"{N_UNITS} listeners in as many units, and {N_PROCESSES} processes: folded rows are counted, no total is lost")
def _(scope):
    daemon = scope.daemon(interval="100ms", ring_bytes="16MiB", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    scraper.after(8)
    memory = [resident_bytes(daemon)]
    tell_cost(scraper, "before")
    n_before = total(scraper.after(1), "sockwatch_unit_processes")
    others = OtherUnits(scope)

    for which in ["first", "second"]:
        begin = time.monotonic()
        crowd = Crowd(scope, N_UNITS, N_UNITS, N_PROCESSES)
        comment(f"the {which} crowd was made in {time.monotonic() - begin:.1f} s")
        scraper = Scraper(scope, daemon)  # the other connection may have been idle for too long
        page = wait_counted(scraper, N_UNITS + 1, N_PROCESSES)
        tell_cost(scraper, f"the {which} crowd")
        page = scraper.after(1)
        memory.append(resident_bytes(daemon))
        n_other = len(others.paths)

        equal(page.states()["listen"], N_UNITS + 1, "the crowd and the daemon")
        check_totals(page)
        check_complete(page)

        equal(count_rows(page, "sockwatch_listener_listening_sockets"), (LISTENER_ROWS, ["other"]), "listeners")
        equal(page.value("sockwatch_folded_rows", what="listeners"), N_UNITS + 1 - LISTENER_ROWS, "folded listeners")

        n_units, apart = count_rows(page, "sockwatch_unit_tcp_sockets", state="listen")
        equal((n_units, set(apart) - {"unattributed"}), (UNIT_ROWS, {"other"}), "units")
        n_folded = page.value("sockwatch_folded_rows", what="units")
        assert N_UNITS - UNIT_ROWS <= n_folded <= N_UNITS - UNIT_ROWS + n_other, (n_folded, n_other)
        n_crowd = total(page, "sockwatch_unit_processes")
        assert n_crowd >= N_PROCESSES, n_crowd

        equal(count_rows(page, "sockwatch_top_process_open_fds"), (PROCESS_ROWS, ["other"]), "processes")
        equal(page.value("sockwatch_folded_rows", what="processes"), n_crowd - PROCESS_ROWS, "folded processes")

        crowd.leave()
        scraper = Scraper(scope, daemon)
        await_("the crowd has left", lambda: scraper.scrape().states()["listen"] == 1)
        # Else the next one is taken for counted while this one, whose processes are come to by and by, still is.
        await_("and its processes are known to have", lambda: total(scraper.scrape(), "sockwatch_unit_processes") <
               n_before + N_PROCESSES / 10, seconds=120, every=0.2)

    comment("resident, without the ring file: " + ", ".join(f"{n / 1048576:.1f} MiB" for n in memory) +
            " before, with the first crowd, with the second")
    assert memory[1] - memory[0] < GROWTH_MAX, memory
    assert memory[2] - memory[1] < AGAIN_MAX, memory

    # What nobody has any more is of no row, and nothing has stayed behind in the others.
    page = scraper.after(2)
    check_totals(page)
    check_complete(page)
    equal(page.value("sockwatch_folded_rows", what="listeners"), 0, "folded listeners afterwards")
    equal(daemon.stop(), 0, "exit status")


@test("more listening sockets than can be told apart are counted, and say so")
def _(scope):
    n_sockets = LISTEN_SOCKETS_MAX + 800
    daemon = scope.daemon(interval="250ms", ring_bytes="16MiB", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    crowd = Crowd(scope, 0, n_sockets, 0)
    page = scraper.after(3, seconds=30)

    equal(page.states()["listen"], n_sockets + 1, "the walk sees all of them")
    equal(total(page, "sockwatch_listener_listening_sockets"), LISTEN_SOCKETS_MAX, "those that fit")
    equal(page.value("sockwatch_folded_rows", what="listeners"), LISTEN_SOCKETS_MAX - LISTENER_ROWS)
    equal(page.value("sockwatch_collector_incomplete", collector="listen"), 1)
    equal(total(page, "sockwatch_unit_tcp_sockets", state="listen"), n_sockets + 1, "of units none is lost")

    # Each sample leaves out as many.
    later = scraper.after(2, seconds=30)
    n_samples = later.value("sockwatch_samples_total") - page.value("sockwatch_samples_total")
    equal(later.value("sockwatch_truncated_total", what="listeners") -
          page.value("sockwatch_truncated_total", what="listeners"), n_samples * (n_sockets + 1 - LISTEN_SOCKETS_MAX))

    crowd.leave()
    await_("the crowd has left", lambda: scraper.scrape().states()["listen"] == 1)
    page = scraper.after(1)
    equal(page.value("sockwatch_collector_incomplete", collector="listen"), 0, "afterwards")
    n_truncated = page.value("sockwatch_truncated_total", what="listeners")
    equal(scraper.after(2).value("sockwatch_truncated_total", what="listeners"), n_truncated, "afterwards")


@test("more units than can be told apart are counted, and say so, and their sockets are those of other")
def _(scope):
    n_units, n_sockets = UNITS_TRACKED_MAX + 300, LISTEN_SOCKETS_MAX - 100
    daemon = scope.daemon(interval="250ms", ring_bytes="16MiB", walks_always=True).wait_ready()
    scraper = Scraper(scope, daemon)
    crowd = Crowd(scope, n_units, n_sockets, 600)
    page = wait_counted(scraper, n_sockets + 1, 600)

    check_totals(page)
    assert page.value("sockwatch_truncated_total", what="units") > 0
    equal(page.value("sockwatch_collector_incomplete", collector="tcp"), 1)
    n_named = page.value("sockwatch_folded_rows", what="units") + UNIT_ROWS
    assert n_named < n_sockets, "all of them were told apart"
    named = {dict(labels)["unit"] for labels in rows(page, "sockwatch_unit_tcp_sockets")}
    assert "" not in named | {dict(labels)["unit"] for labels in rows(page, "sockwatch_top_process_open_fds")}

    for _ in range(10):
        page = scraper.after(1)
        check_totals(page)
        equal(total(page, "sockwatch_unit_tcp_sockets", unit="unattributed", state="listen"), 0, "they have a unit, if no row")

    crowd.leave()
    await_("the crowd has left", lambda: scraper.scrape().states()["listen"] == 1)
    page = scraper.after(1)
    check_totals(page)
    equal(page.value("sockwatch_collector_incomplete", collector="tcp"), 0, "afterwards")


def prepare():
    need_root()
    own_network()


if __name__ == "__main__":
    main(prepare)
