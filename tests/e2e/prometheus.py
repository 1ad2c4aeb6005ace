# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus, a real Alertmanager, and somebody who is told."""

import contextlib
import http.client
import http.server
import json
import os
import threading
import urllib.parse
import urllib.request

from harness import await_, equal, need_program


class Served:
    """A program that is ready once /-/ready says so, with its log in a file."""

    def __init__(self, scope, port, command, folder):
        self.port, self.log_path = port, os.path.join(folder, "log")
        with open(self.log_path, "w") as log:
            self.process = scope.process(command, stdout=log, stderr=log)
        await_(f"{command[0]} to be ready", self._is_ready, 30, every=0.1)

    def _is_ready(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return urllib.request.urlopen(f"{self.url}/-/ready", timeout=2).status == 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def log(self):
        with open(self.log_path) as file:
            return file.read()


class Prometheus(Served):
    """Scrapes every second; with rules, judges every second and tells the Alertmanager."""

    def __init__(self, scope, targets, rules=None, alertmanager=None, port=9090):
        folder = scope.folder()
        config = os.path.join(folder, "prometheus.yml")
        with open(config, "w") as file:
            file.write("global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }\n")
            if rules:
                file.write(f"rule_files: ['{rules}']\n")
            if alertmanager:
                file.write("alerting: { alertmanagers: [ { static_configs: [ { targets: "
                           f"['127.0.0.1:{alertmanager.port}'] }} ] }} ] }}\n")
            file.write("scrape_configs:\n")
            for job, target in targets.items():
                file.write(f"  - {{ job_name: {job}, static_configs: [ {{ targets: ['127.0.0.1:{target}'] }} ] }}\n")
        super().__init__(scope, port, [
            need_program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=debug"], folder)

    def api(self, path, **parameters):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            answer = json.load(response)
        equal(answer["status"], "success", answer)
        return answer["data"]

    def query(self, expression):
        """An instant vector: (labels, number)."""
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=expression)["result"]]


class Alertmanager(Served):
    """Hands on each alert at once, to one receiver."""

    def __init__(self, scope, webhook, port=9093):
        folder = scope.folder()
        config = os.path.join(folder, "alertmanager.yml")
        with open(config, "w") as file:
            file.write("route: { receiver: test, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }\n"
                       f"receivers: [ {{ name: test, webhook_configs: [ {{ url: 'http://127.0.0.1:{webhook.port}/' }} ] }} ]\n")
        super().__init__(scope, port, [
            need_program("prometheus-alertmanager"), f"--config.file={config}", f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="], folder)


class Webhook:
    """Keeps every alert that it is told of, in order."""

    def __init__(self, scope):
        self.alerts = alerts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                alerts.extend(body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        scope.callback(self.server.shutdown)

    def told(self, status, name):
        """The first alert of that name and status ("firing", "resolved"), or None."""
        for alert in list(self.alerts):
            if alert["status"] == status and alert["labels"]["alertname"] == name:
                return alert
        return None
