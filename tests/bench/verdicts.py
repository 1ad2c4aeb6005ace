# SPDX-License-Identifier: Apache-2.0
"""What has to hold of the figures: ratios, each where it makes sense.

At a million sockets the walk is nearly all of the cost; at few of them starting ss is most of what ss takes, and passing
over the empty part of the kernel's table most of a walk. So each rule says from how many sockets on it is judged.
"""

from measure import MIB

FLOOR, NODE, SS = "floor: one walk", "node_exporter: tcpstat", "ss -tan | awk | sort | uniq -c"
FULL, RARE, TICK = "sockwatch: full sample", "sockwatch: rare sample", "sockwatch: tick without a walk"

# (from how many sockets on, also of the mix, whose CPU, of whose CPU, at most). In the mix one socket in ten is in a rare
# state, and the kernel alone takes a quarter of the floor to tell of them.
SAMPLES = [
    (100_000, True, FULL, FLOOR, 1.10),
    # With few sockets what comes with every sample is a part of it; this is a guard for the short form.
    (10_000, True, FULL, FLOOR, 1.60),
    (10_000, True, TICK, FLOOR, 0.50),
    (1_000_000, False, RARE, FLOOR, 0.20),
    (1_000_000, False, RARE, NODE, 0.08),
    (1_000_000, False, RARE, SS, 0.06),
    (1_000_000, True, TICK, "ss -ltn", 0.01),
    (1_000_000, True, "sockwatch: descriptors of a tick", "process-exporter", 0.01),
]

# Of a second, that is of one core: CPU of a tick without a walk, which comes each second.
TICK_SHARE, TICK_SHARE_FROM = 0.001, 1_000_000

# Of one core, over a while: (at up to so many sockets, at most)
CPU_SHARES = [(1_000, 0.005), (10_000_000, 0.012)]

MEMORY_BYTES, MEMORY_GROWTH_BYTES = 16 * MIB, 1 * MIB

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
        judge_daemon(name, n, of_size["daemon"], rule, not_judged)
    judge_growth(results, rule, not_judged)

    for what in {f"{of} over {over}" for _, _, of, over, _ in SAMPLES} - {v["what"] for v in verdicts}:
        not_judged.append(f"{what}: needs more sockets than were made")
    return verdicts, sorted(set(not_judged))


def judge_samples(name, n, figures, rule, not_judged):
    for begin, is_also_mixed, of, over, limit in SAMPLES:
        if n < begin or (begin == 10_000 and n > begin) or (name.startswith("mix:") and not is_also_mixed):
            continue
        missing = [who for who in (of, over) if "missing" in figures[who]]
        if missing:
            not_judged += [f"{of} over {over} at {name}: {who} is {figures[who]['missing']}" for who in missing]
            continue
        rule(name, f"{of} over {over}", figures[of]["cpu_seconds"] / figures[over]["cpu_seconds"], limit)
    if n >= TICK_SHARE_FROM:
        rule(name, f"{TICK}: share of one core", figures[TICK]["cpu_seconds"], TICK_SHARE, "{:.2%}")


def judge_daemon(name, n, figures, rule, not_judged):
    limit = next(limit for most, limit in CPU_SHARES if n <= most)
    rule(name, "daemon: share of one core", figures["cpu_share"], limit, "{:.2%}")
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
        not_judged.append(f"scrape p99 during walks: {latency['missing']}")
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
