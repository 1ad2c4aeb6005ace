#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The alert rules say what their tests say, also when they are made faster.

With seconds in the place of minutes a copy of the rules does within a minute what
the shipped ones do within an hour; tests of the whole chain use such a copy. So
each file of rules/ is run twice: as it stands, and with its times changed alike.
Left out of the latter is what counts seconds, as a second is not made shorter, and
what goes over hours and days, as that takes long and would say nothing new.

As a module: faster(), and RULES, where the rules are.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RULES = os.path.join(ROOT, "exporters", "prometheus", "rules", "sockwatch.rules.yaml")
TESTS = os.path.join(HERE, "rules")


def faster(text, minute="1s"):
    """Rules, or their tests, with each duration in minutes as that many times this one ("1s", "500ms")."""
    number, unit = re.fullmatch(r"(\d+)(ms|s)", minute).groups()
    return re.sub(r"\b(\d+)m\b", lambda found: f"{int(found[1]) * int(number)}{unit}", text)


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode:
        print(f"promtool {' '.join(arguments)} exits with {result.returncode}:\n{result.stdout}")
    return result.returncode == 0


def read(path):
    with open(path) as file:
        return file.read()


def main():
    if not shutil.which("promtool"):
        print("no promtool, skipped")
        sys.exit(77)

    rules = read(RULES)
    tests = {name: read(os.path.join(TESTS, name)) for name in sorted(os.listdir(TESTS)) if name.endswith(".yaml")}
    is_good = True

    alerts = re.findall(r"- alert: (\w+)", rules)
    if not 1 <= len(alerts) <= 5:
        print(f"{len(alerts)} alerts; there are to be few, and more than none")
        is_good = False
    for alert in alerts:
        if not any(f"alertname: {alert}\n" in text for text in tests.values()):
            print(f"no test of {alert}")
            is_good = False

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = []
        for speed, change in [("as-shipped", lambda text: text), ("faster", faster)]:
            os.mkdir(os.path.join(folder, speed))
            path = os.path.join(folder, speed, "rules.yaml")
            with open(path, "w") as file:
                file.write(change(rules))
            jobs.append(pool.submit(promtool, "check", "rules", path))
            for name, text in tests.items():
                if change is faster and ("real_time" in name or "_over_" in name):
                    continue
                path = os.path.join(folder, speed, name)
                with open(path, "w") as file:
                    file.write(re.sub(r"rule_files: .*", "rule_files: [rules.yaml]", change(text)))
                jobs.append(pool.submit(promtool, "test", "rules", path))
        is_good &= all([job.result() for job in jobs])

    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
