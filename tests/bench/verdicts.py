# SPDX-License-Identifier: Apache-2.0
"""What has to hold of the figures: ratios, each where it makes sense.

At a million sockets the walk is nearly all of the cost; at few of them starting ss is most of what ss takes, and passing
over the empty part of the kernel's table most of a walk. So each rule says from how many sockets on it is judged.
"""

from measure import MIB, median

FLOOR, NODE, SS = "floor: one walk", "node_exporter: tcpstat", "ss -tan | awk | sort | uniq -c"
FULL, RARE, TICK = "sockwatch: full sample", "sockwatch: rare sample", "sockwatch: tick without a walk"

# (from how many sockets on, also of the mix, whose CPU, of whose CPU, at most). In the mix one socket in ten is in a rare
# state, and the kernel alone takes a quarter of the floor to tell of them.
SAMPLES = [
    (1_000_000, True, FULL, FLOOR, 1.10),
    (100_000, True, FULL, FLOOR, 1.20),
    # With few sockets what comes with every sample is a part of it; this is a guard for the short form.
    (10_000, True, FULL, FLOOR, 1.60),
    (10_000, True, TICK, FLOOR, 0.50),
    (1_000_000, False, RARE, FLOOR, 0.20),
    (1_000_000, False, RARE, NODE, 0.08),
    (1_000_000, False, RARE, SS, 0.06),
    (1_000_000, True, TICK, "ss -ltn", 0.01),
    (1_000_000, True, "sockwatch: descriptors of all processes", "process-exporter", 0.01),
]

# Of a second, that is of one core: CPU of a tick without a walk, which comes each second. It is told of the mix, and not
# judged: it grows with listeners and units, of which the mix has hundreds.
TICK_SHARE, TICK_SHARE_FROM = 0.001, 1_000_000

# Of one core, over so many seconds: (at up to so many sockets, at most)
CPU_SHARES = [(1_000, 0.005), (10_000_000, 0.012)]
CPU_SHARE_SECONDS = 120

# What the daemon does for each second beside its walks, over the sample of bench-sample that it has in common with it:
# it judges, writes to the ring, serves and wakes up besides.
TICK_RATIO, TICK_RATIO_FROM = 4, 10_000

MEMORY_BYTES, MEMORY_GROWTH_BYTES = 16 * MIB, 1 * MIB

# What it takes is known to the instruction, so it cannot grow unseen on a machine that is not quiet.
INSTRUCTIONS, INSTRUCTIONS_FROM = 480, 10_000

# Not of the mix, whose page of 6,000 series the walk drives out of the caches: each scrape takes twice as long then.
WALK_P99_RATIO, WALK_P99_FROM = 2, 1_000_000
THROUGHPUT_RATIO = 20


def judge(results):
    """Returns verdicts, and what could not be judged."""
    verdicts, not_judged = [], []

    def rule(size, what, value, limit, form="{:.4f}", at_least=False):
        verdicts.append({
            "size": size, "what": what, "is": form.format(value),
            "limit": ("at least " if at_least else "") + form.format(limit),
            "value": value, "holds": bool(value >= limit if at_least else value <= limit),
        })

    for name, of_size in results.items():
        n = int(name.rpartition(":")[2])
        judge_samples(name, n, of_size["samples"], rule, not_judged)
        judge_instructions(name, n, of_size["instructions"], rule, not_judged)
        judge_daemon(name, n, of_size, rule, not_judged)
    judge_growth(results, rule, not_judged)

    for begin, is_also_mixed, of, over, _ in SAMPLES:
        what = f"{of} over {over}"
        if what not in {v["what"] for v in verdicts} and not any(text.startswith(what) for text in not_judged):
            not_judged.append(f"{what}: needs {begin:,} sockets" + ("" if is_also_mixed else ", all ESTABLISHED"))
    return verdicts, sorted(set(not_judged))


def ratio(of, over):
    """Turn by turn where both had all turns, so that what else the machine did is in both."""
    if len(of["cpu_all"]) == len(over["cpu_all"]):
        return median(left / right for left, right in zip(of["cpu_all"], over["cpu_all"]))
    return of["cpu_seconds"] / over["cpu_seconds"]


def judge_samples(name, n, figures, rule, not_judged):
    for begin, is_also_mixed, of, over, limit in SAMPLES:
        is_mixed = name.startswith("mix:")
        if n < begin or (begin < 1_000_000 and n >= 10 * begin) or (is_mixed and not is_also_mixed):
            continue
        missing = [who for who in (of, over) if "missing" in figures[who]]
        if missing:
            not_judged += [f"{of} over {over} at {name}: {who} is {figures[who]['missing']}" for who in missing]
            continue
        rule(name, f"{of} over {over}", ratio(figures[of], figures[over]), limit)
    if n >= TICK_SHARE_FROM and not name.startswith("mix:"):
        rule(name, f"{TICK}: share of one core", figures[TICK]["cpu_seconds"], TICK_SHARE, "{:.2%}")


def judge_instructions(name, n, figures, rule, not_judged):
    if n < INSTRUCTIONS_FROM:
        not_judged.append(f"instructions a socket at {name}: those of the sample itself are more")
    elif "missing" in figures:
        not_judged.append(f"instructions a socket at {name}: {figures['missing']}")
    else:
        rule(name, "instructions a socket of a full sample, in user space", figures["a_socket"], INSTRUCTIONS, "{:.0f}")


def judge_daemon(name, n, of_size, rule, not_judged):
    figures, tick = of_size["daemon"], of_size["samples"][TICK]
    if figures["window_seconds"] >= CPU_SHARE_SECONDS:
        limit = next(limit for most, limit in CPU_SHARES if n <= most)
        rule(name, "daemon: share of one core", figures["cpu_share"], limit, "{:.2%}")
    else:
        not_judged.append(f"daemon: share of one core at {name}: needs {CPU_SHARE_SECONDS} s, and the speed of a known machine")
    if n >= TICK_RATIO_FROM:
        rule(name, f"daemon: a sample, walks left out, over {TICK}",
             figures["cpu_seconds_beside_walks"] / tick["cpu_seconds"], TICK_RATIO, "{:.2f}")
    rule(name, "daemon: peak MiB beside the ring file", figures["peak_beside_ring_bytes"] / MIB, MEMORY_BYTES / MIB, "{:.1f}")

    throughput, latency = figures["throughput"], figures["latency"]
    if "missing" in throughput:
        not_judged.append(f"scrapes a second over node_exporter's: {throughput['missing']}")
    else:
        ours = throughput["sockwatchd"]
        # Of those that have no more series than the daemon, the one that has the most.
        theirs = max((of for name, of in throughput.items() if of is not ours and of["series"] <= ours["series"]),
                     key=lambda of: of["series"], default=None)
        if theirs:
            rule(name, f"scrapes a second, {ours['series']} series, over node_exporter's, {theirs['series']}",
                 ours["requests_per_second"] / theirs["requests_per_second"], THROUGHPUT_RATIO, "{:.1f}", at_least=True)
        else:
            not_judged.append(f"scrapes a second at {name}: node_exporter has more series")
    if "missing" in latency:
        not_judged.append(f"scrape p99 during walks at {name}: {latency['missing']}")
    elif name.startswith("mix:"):
        not_judged.append(f"scrape p99 during walks at {name}: was {latency['p99_ratio']:.2f} of the one at rest")
    elif n >= WALK_P99_FROM:
        rule(name, "scrape p99 during walks over the one at rest",
             latency["p99_ratio"], WALK_P99_RATIO, "{:.2f}")
    else:
        not_judged.append(f"scrape p99 during walks at {name}: a walk is over too soon")


def judge_growth(results, rule, not_judged):
    if not {"1000", "1000000"} <= results.keys():
        not_judged.append("growth of the daemon's memory: needs 1000 and 1000000")
        return
    few, many = (results[name]["daemon"]["peak_beside_ring_bytes"] for name in ("1000", "1000000"))
    rule("1000000", "daemon: peak MiB beside the ring file, more than at 1000", (many - few) / MIB,
         MEMORY_GROWTH_BYTES / MIB, "{:.2f}")
