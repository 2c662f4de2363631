"""What the tests of this folder share: one lab that goes through all of it, and ways to harm it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psutil
from helpers import ROOT, labkit, until

UP = ("up", "--detach", "--no-jupyter", "--workers", "1")


class Place:
    """A lab's name and folders, as the environment of a command says them."""

    def __init__(self, engine, folder, name):
        self.engine, self.name = engine, name
        self.state = folder / "state" / "registry-lab" / name
        self.work = folder / "work"
        self.env = {
            "LABKIT_LAB": name,
            "XDG_STATE_HOME": str(folder / "state"),
            "LABKIT_WORK": str(self.work),
            "LABKIT_ENGINE": engine.url,
        }

    def labkit(self, *words, check=None, **more):
        return labkit(*words, env={**self.env, **more}, check=check)

    def up(self, *more, check=0):
        return self.labkit(*UP, *more, check=check)

    def start(self, *words):
        """A command that goes on. Its standard error is told line by line."""
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "labkit", *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def bash(self, script):
        """Lines typed after `eval "$(labkit env)"`, in one shell. `labkit` is on its path."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", f'eval "$(labkit env)"\n{script}'],
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.env, "PATH": path},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )

    def parts(self, kind):
        """What carries the lab's label."""
        filters = quote(json.dumps({"label": [f"io.registry-lab={self.name}"]}))
        with self.engine.wire() as wire:
            found = wire.get(f"/{kind}?all=1&filters={filters}")
        return found["Volumes"] or [] if kind == "volumes" else found

    @property
    def machines(self):
        """{machine: its container's id}"""
        return {one["Labels"]["io.registry-lab.machine"]: one["Id"] for one in self.parts("containers/json")}

    def processes(self):
        """Processes that were started for this lab: its keeper, JupyterLab, kernels."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("LABKIT_LAB") == self.name:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def keeper(self):
        return [one for one in self.processes() if "labkit.lab.lifecycle.keeper" in one.cmdline()]

    def assert_nothing_left(self):
        assert [self.parts(kind) for kind in ("containers/json", "networks", "volumes")] == [[], [], []]
        assert not self.state.exists() or [one.name for one in self.state.iterdir()] == ["docker"]
        until(lambda: not self.processes(), "the end of every process of the lab", 10)

    def stop_processes(self, machine, word):
        """Stops the machine's processes whose command has this word: they are there, and do nothing."""
        with self.engine.wire() as wire:
            told = wire.get(f"/containers/{self.name}-{machine}/top?ps_args=-eo%20pid,args")
        stopped = [int(pid) for pid, command in told["Processes"] if word in command]
        assert stopped, told
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        return stopped
