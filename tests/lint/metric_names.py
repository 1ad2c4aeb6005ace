#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""Fails when the alert rules or the dashboard ask for a metric that does not exist.

Such a rule never fires and such a panel says "No data", both without a word.
What exists is what the catalogue declares. Usage: metric_names.py FOLDER
"""

import os
import re
import sys

CATALOGUE = "exporters/prometheus/catalogue.c"
USERS = ["exporters/grafana/sockwatch-host.json", "exporters/prometheus/rules/sockwatch.rules.yaml"]


def read(root, path):
    with open(os.path.join(root, path)) as file:
        return file.read()


def declared(source):
    """Names of the catalogue: that of a metric written out, or the first argument of a macro."""
    return set(re.findall(r'(?:\.name = |\b[A-Z][A-Z_]*\(\s*)"((?:sockwatch|process)_[a-z0-9_]+)"', source))


def used(text):
    """Names in expressions and in texts. A name with a colon is a recorded one, "sockwatch-host" a file."""
    return set(re.findall(r"(?<![:\w])(?:sockwatch|process)_[a-z0-9_]+(?![:\w])", text))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    names = declared(read(root, CATALOGUE))
    if len(names) < 80:
        print(f"{CATALOGUE} was not understood: {len(names)} metrics")
        sys.exit(1)

    is_good = True
    for path in USERS:
        text = read(root, path)
        if len(used(text)) < 5:
            print(f"{path} was not understood: {len(used(text))} metrics")
            is_good = False
        recorded = set(re.findall(r"\brecord: ([\w:]+)", text))
        for name in sorted(used(text) - names):
            print(f"{path}: {name} is not in {CATALOGUE}")
            is_good = False
        for name in sorted(set(re.findall(r"\b\w+:[\w:]*sockwatch_[\w:]+", text)) - recorded):
            print(f"{path}: {name} is not recorded there")
            is_good = False
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
