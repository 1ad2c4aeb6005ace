#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""The dashboard is one that Grafana shows as it is meant, as far as that can be seen without Grafana.

Every expression is understood by Prometheus, every panel says in words what is
bad, none lies upon another, and all of them ask the data source, the job and the
host that were chosen.

As a module: unanswered(), which asks a running Prometheus every expression.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DASHBOARD = os.path.join(ROOT, "exporters", "grafana", "sockwatch-host.json")

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTOR = 'job="$job", instance="$instance"'

# What a kernel shows in its first network namespace alone, or with a module that may not be loaded.
NOT_EVERYWHERE = ["sockwatch_tcp_max_orphans", "sockwatch_tcp_memory_limit_bytes", "sockwatch_conntrack_"]


# ---- reading it ----

def load(path=DASHBOARD):
    with open(path) as file:
        return json.load(file)


def all_panels(dashboard):
    """Panels and rows, those in closed rows included."""
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(title of the panel, expression), as they stand there."""
    for panel in all_panels(dashboard):
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def substituted(expression, job, instance, rate_interval="5m", time_range="1h"):
    """An expression as Grafana sends it."""
    values = {"job": job, "instance": instance, "__rate_interval": rate_interval, "__range": time_range}
    return re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), expression)


# ---- asking Prometheus ----

def unanswered(url, job, instance, rate_interval="5m", time_range="1h", not_everywhere=NOT_EVERYWHERE):
    """Asks the Prometheus at url each expression, as of now.

    Returns a list of (title, expression, why), where why is what Prometheus said
    is wrong, or "no data". Expressions with a name that begins with one of
    not_everywhere may be without data.
    """
    found = []
    for title, expression in expressions(load()):
        query = substituted(expression, job, instance, rate_interval, time_range)
        try:
            with urllib.request.urlopen(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as r:
                has_data = len(json.load(r)["data"]["result"]) > 0
        except urllib.error.HTTPError as error:
            found.append((title, query, json.load(error)["error"]))
            continue
        if not has_data and not any(name in query for name in not_everywhere):
            found.append((title, query, "no data"))
    return found


# ---- looking at it ----

def check_form(path, dashboard):
    with open(path) as file:
        if file.read() != json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n":
            yield "is not as json.dumps(indent=2, ensure_ascii=False) writes it"

    ids = [panel["id"] for panel in all_panels(dashboard)]
    if len(ids) != len(set(ids)):
        yield f"ids are not unique: {sorted(n for n in ids if ids.count(n) > 1)}"
    if dashboard["id"] is not None:
        yield "has an id of the Grafana that it was made with"
    if dashboard["links"]:
        yield "has links, which lead elsewhere on another Grafana"
    if not dashboard["refresh"]:
        yield "does not refresh"

    kinds = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    if kinds != {"datasource": "datasource", "job": "query", "instance": "query"}:
        yield f"its variables are {kinds}"
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource" and variable["query"] != "prometheus":
            yield f"its data source is a {variable['query']}"
        if variable["type"] == "query" and variable["datasource"] != SOURCE:
            yield f"variable {variable['name']} asks another data source"
        if variable.get("current") or variable.get("options"):
            yield f"variable {variable['name']} holds values of the Grafana that it was made with"


def check_panels(dashboard):
    if not dashboard["panels"] or dashboard["panels"][0]["type"] != "row":
        yield "does not begin with a row"

    titles = [panel["title"] for panel in all_panels(dashboard)]
    for title in titles:
        if titles.count(title) > 1:
            yield f"two panels are called {title!r}"

    for panel in all_panels(dashboard):
        title = panel["title"]
        if panel["type"] == "row":
            continue
        description = panel.get("description", "")
        if len(description) < 40 or not description.endswith("."):
            yield f"{title!r} has no description in sentences"
        if not re.search(r"\b[Bb]ad\b", description):
            yield f"the description of {title!r} does not say what is bad"
        if panel["datasource"] != SOURCE:
            yield f"{title!r} asks another data source"
        if not panel["targets"]:
            yield f"{title!r} asks nothing"
        names = [target["refId"] for target in panel["targets"]]
        if len(names) != len(set(names)):
            yield f"the queries of {title!r} are not told apart: {names}"
        for target in panel["targets"]:
            if target["datasource"] != SOURCE:
                yield f"{title!r} {target['refId']} asks another data source"
            if bool(target["instant"]) == bool(target["range"]):
                yield f"{title!r} {target['refId']} asks neither or both of now and of the time shown"


def check_grid(dashboard):
    """Each place of the grid is taken once."""
    taken = {}
    for panel in all_panels(dashboard):
        place, title = panel["gridPos"], panel["title"]
        if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
            yield f"{title!r} stands out of the grid"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    yield f"{title!r} lies upon {taken[x, y]!r}"
                    return
                taken[x, y] = title


def check_expressions(dashboard):
    for title, expression in expressions(dashboard):
        selectors = re.findall(r"\b(?:sockwatch|process)_\w+(\{[^}]*\})?", expression)
        if not selectors:
            yield f"{title!r} asks for nothing of sockwatch's: {expression}"
        for selector in selectors:
            if not selector.startswith("{" + SELECTOR):
                yield f"{title!r} asks for more than the chosen host: {expression}"
        unknown = set(re.findall(r"\$(\w+)", expression)) - {"job", "instance", "__rate_interval", "__range"}
        if unknown:
            yield f"{title!r} has variables that do not exist: {unknown}"
        if re.search(r"(rate|increase)\([^[]*\[(?!\$__rate_interval\])", expression):
            yield f"{title!r} has a rate over something else than $__rate_interval"


def check_promql(dashboard):
    """Prometheus understands every expression; a rules file may be JSON, as that is YAML."""
    asked = list(expressions(dashboard))
    rules = [{"record": f"panel:{n}", "expr": substituted(expression, "sockwatch", "host:7625")}
             for n, (_, expression) in enumerate(asked)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        result = subprocess.run(["promtool", "check", "rules", file.name], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
    if result.returncode or f"{len(rules)} rules found" not in result.stdout:
        yield "promtool: " + re.sub(r"panel:(\d+)", lambda found: repr(asked[int(found[1])][0]), result.stdout)


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else DASHBOARD
    dashboard = load(path)
    said = [*check_form(path, dashboard), *check_panels(dashboard), *check_grid(dashboard), *check_expressions(dashboard)]
    if shutil.which("promtool"):
        said += check_promql(dashboard)
    elif not said:
        print("no promtool, expressions were not looked at, skipped")
        sys.exit(77)
    for line in said:
        print(f"{os.path.basename(path)}: {line}")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
