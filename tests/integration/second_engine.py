"""A second real engine beside the one that all tests use. What uses it is marked `starts_an_engine`."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import ROOT, labkit

from labkit.lab.engine import engines, images, sdk

OWN = "from labkit.lab.engine import own; from labkit.paths import home"


def own_paths(tmp_path):
    """An environment in which no engine is found: neither the system's nor one of the lab's own."""
    return {"LABKIT_ENGINE_RUN": str(tmp_path / "run"), "LABKIT_ENGINE_DATA": str(tmp_path / "data")}


def packet_filter(table=""):
    """The rules of the machine's packet filter, without what they have counted."""
    command = ["iptables-save", *(["-t", table] if table else [])]
    saved = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in saved.splitlines() if line.startswith("-")]


@contextlib.contextmanager
def running(engine, folder):
    """The environment of a lab on an engine that nobody else uses, with the lab image on it; and what starts the engine."""
    if os.geteuid() != 0:
        pytest.skip("only root can start an engine")
    env = {
        **own_paths(folder),
        "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-alone",
        "LABKIT_WORK": str(folder / "work"),
        "XDG_STATE_HOME": str(folder / "state"),
        "LABKIT_ENGINE": "",
        "DOCKER_HOST": "",
    }

    def start():
        code = f"{OWN}; own.start(home(), print)"
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **env}, cwd=ROOT, check=True, capture_output=True
        )

    start()
    own = {**env, "LABKIT_ENGINE": f"unix://{folder}/run/docker.sock"}
    try:
        with sdk.client(engine) as docker, sdk.client(engines.Engine(own["LABKIT_ENGINE"])) as other:
            other.images.load(docker.images.get(images.name()).save(named=True))
        yield SimpleNamespace(start=start, own=own, run=folder / "run", state=folder / "state")
    finally:
        labkit("down", "--purge", env=own)
        shutil.rmtree(folder, ignore_errors=True)
        # What an engine that was killed left behind of its labs.
        for rule in packet_filter("nat"):
            found = re.search(r"-s 10\.203\.(\d+)\.", rule)
            if found and not Path(f"/sys/class/net/lab-10.203.{found[1]}").exists():
                subprocess.run(["iptables", "-t", "nat", "-D", *rule.split()[1:]], check=True)
