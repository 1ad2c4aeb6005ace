# SPDX-License-Identifier: Apache-2.0
"""A real systemd as PID 1, in a container that is thrown away.

Its root is an overlay of this host's, with the project installed into it. It
shares the network namespace of the test, so that the test can connect to what
it serves and be the sockets that it sees; processes, mounts and control groups
are its own.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess

from harness import (BUILD, Skip, await_, clean_environment, libc, need_program, need_root, own_mounts, own_network, run)


def _mount(kind, folder, options):
    if libc.mount(kind.encode(), folder.encode(), kind.encode(), 0, options.encode()) < 0:
        raise Skip(f"cannot mount a {kind} here: {os.strerror(ctypes.get_errno())}")


def _cgroup_mounts():
    """Where the unified tree is, and the tree of systemd's own name where the host is hybrid."""
    unified = named = None
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, rest = line.split(" - ")
            kind, _, options = rest.split(" ", 2)
            if kind == "cgroup2":
                unified = fields.split()[4]
            elif kind == "cgroup" and "name=systemd" in options:
                named = fields.split()[4]
    if not unified:
        raise Skip("no cgroup2 is mounted")
    return unified, named


class Container:
    def __init__(self, scope):
        need_root()
        for program in ["systemd-nspawn", "nsenter", "meson"]:
            need_program(program)
        own_network()
        own_mounts()

        self.name = f"sockwatch-e2e-{os.getpid()}"
        self.root = self._make_root(scope)
        self.cgroup = self._enter_cgroup(scope)
        self._boot(scope)

    def _make_root(self, scope):
        folder = scope.folder()
        _mount("tmpfs", folder, "size=512m")
        scope.callback(libc.umount2, folder.encode(), 2)
        for name in ["upper", "work", "root"]:
            os.mkdir(os.path.join(folder, name))
        root = os.path.join(folder, "root")
        _mount("overlay", root, f"lowerdir=/,upperdir={folder}/upper,workdir={folder}/work")
        scope.callback(libc.umount2, root.encode(), 2)

        open(os.path.join(root, "etc/machine-id"), "w").close()
        for gone in ["etc/systemd/system/multi-user.target.wants", "var/log/journal", "run"]:
            shutil.rmtree(os.path.join(root, gone), ignore_errors=True)
        os.makedirs(os.path.join(root, "run"), exist_ok=True)
        result = run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root])
        assert result.returncode == 0, result.stdout + result.stderr
        return root

    def _enter_cgroup(self, scope):
        """One of its own, which nspawn divides; back to the old one at the end."""
        unified, named = _cgroup_mounts()
        with open("/proc/self/cgroup") as file:
            paths = {fields[1]: fields[2] for fields in (line.strip().split(":", 2) for line in file)}
        cgroup = os.path.join(unified, self.name)
        self._remove_stale([unified] + [named] * bool(named))

        def enter(path):
            with open(os.path.join(path, "cgroup.procs"), "w") as file:
                file.write(str(os.getpid()))

        def leave():
            enter(unified + paths.get("", "/"))
            for tree in [cgroup] + [os.path.join(named, self.name)] * bool(named):
                for folder, _, _ in os.walk(tree, topdown=False):
                    await_(f"{folder} to be empty", lambda: self._rmdir(folder), 10)

        try:
            os.mkdir(cgroup)
            scope.callback(leave)
            enter(cgroup)
        except OSError as error:
            raise Skip(f"no control group of our own: {error}")
        return cgroup

    @classmethod
    def _remove_stale(cls, mounts):
        """What tests left that were killed without a chance to clean up."""
        for tree in [os.path.join(mount, name) for mount in mounts for name in os.listdir(mount)]:
            found = re.fullmatch(r"sockwatch-e2e-(\d+)", os.path.basename(tree))
            if found and not os.path.exists(f"/proc/{found[1]}"):
                for folder, _, _ in os.walk(tree, topdown=False):
                    cls._rmdir(folder)

    @staticmethod
    def _rmdir(folder):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return False
        return True

    def _boot(self, scope):
        def end_with_parent():
            libc.prctl(1, signal.SIGTERM)  # upon which nspawn shuts the container down

        log = open(os.path.join(os.path.dirname(self.root), "console"), "w+")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "-D", self.root, f"--machine={self.name}",
             f"--network-namespace-path=/proc/{os.getpid()}/ns/net", "--console=pipe", "--link-journal=no", "--boot", "--",
             "systemd.unit=multi-user.target"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent,
            env=clean_environment(SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"))
        self.leader = None
        scope.callback(self._end)

        def booted():
            if self.nspawn.poll() is not None:
                log.seek(0)
                raise Skip(f"systemd-nspawn does not work here: {log.read().strip()[-300:]}")
            self.leader = self.leader or self._find_leader()
            return self.leader and os.path.exists(f"/proc/{self.leader}/root/run/systemd/private")

        await_("systemd in the container", booted, 30)
        # "degraded" is a host's business: units of its packages that a container cannot run.
        state = self.run("systemctl", "is-system-running", "--wait").stdout.strip()
        assert state in ("running", "degraded"), state

    def _find_leader(self):
        with open(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children") as file:
            children = file.read().split()
        for child in children:
            try:
                with open(f"/proc/{child}/status") as file:
                    ids = [line.split() for line in file if line.startswith("NSpid:")]
            except FileNotFoundError:
                continue
            if ids and len(ids[0]) > 2 and ids[0][-1] == "1":
                return int(child)
        return None

    def _end(self):
        """Its PID 1 takes all of it along."""
        if self.nspawn.poll() is None:
            self.leader = self.leader or self._find_leader()
        if self.leader:
            try:
                os.kill(self.leader, signal.SIGKILL)
            except ProcessLookupError:
                pass
        else:
            self.nspawn.terminate()
        try:
            self.nspawn.wait(10)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()

    def run(self, *command, **options):
        return run(["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", *command], **options)

    def systemctl(self, *arguments, check=True):
        result = self.run("systemctl", *arguments)
        assert result.returncode == 0 or not check, (arguments, result.stdout, result.stderr)
        return result.stdout

    def show(self, unit, name):
        return self.systemctl("show", "--value", "-p", name, unit).strip()

    def write(self, path, text):
        """A file in the container; its parents are made."""
        path = f"/proc/{self.leader}/root{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def main_pid(self, unit):
        """The service's main process, as this host numbers it; None if there is none."""
        inside = self.show(unit, "MainPID")
        if inside == "0":
            return None
        with open(os.path.join(self.cgroup, "payload", "system.slice", unit, "cgroup.procs")) as file:
            for pid in file.read().split():
                with open(f"/proc/{pid}/status") as status:
                    if any(line.split()[0] == "NSpid:" and line.split()[-1] == inside for line in status):
                        return int(pid)
        return None
