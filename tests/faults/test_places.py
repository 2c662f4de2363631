"""A lab of its own, in folders with odd names: what happens to its folders and to the commands that start and end it."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from helpers import ROOT, labkit, labkit_json, until
from test_lifecycle import UP, assert_nothing_left, parts

from labkit import paths
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import provision

fault = pytest.mark.fault
ODD = "Übungen für Ada – 学 'n' \"q\" $HOME"


@pytest.fixture(scope="module")
def env(engine, tmp_path_factory):
    """The environment of the lab; whatever is left at the end is removed."""
    top = tmp_path_factory.mktemp("places") / ODD / ("long-" * 40)
    env = {
        "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-places",
        "XDG_STATE_HOME": str(top / "state"),
        "LABKIT_WORK": str(top / "work"),
        "LABKIT_ENGINE": engine.url,
    }
    yield env
    labkit("down", env=env, check=0)
    assert_nothing_left(engine, env)


@pytest.fixture
def there(env):
    """The lab is up, with an attempt made; afterwards every attempt is there still, and the notebook as the learner left it."""
    labkit(*UP, "--workers", "1", env=env, check=0)
    labkit("check", "02-tag", env=env)
    work = Path(env["LABKIT_WORK"])
    attempts, notebook = work / ".labkit" / "attempts.jsonl", work / "02-tag.ipynb"
    notebook.write_text("mine")
    before = attempts.read_bytes()
    yield env
    assert attempts.read_bytes().startswith(before)
    assert notebook.read_text() == "mine"


def start(env, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "labkit", *words],
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@fault(
    "Folder names have spaces, quotes, a dollar sign, non-ASCII letters and 250 characters",
    "The lesson works as anywhere else",
)
def test_folders_with_odd_names(there):
    labkit("solve", "03-push", env=there, check=0)
    typed = 'eval "$(labkit env)" && docker image ls --quiet myusername/myapp:v1.0.0 && echo "$DOCKER_CONFIG"'
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **there, "PATH": path, "PYTHONPATH": str(ROOT)}
    told = subprocess.run(["bash", "-c", typed], env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.split("\n")[0]) == 12
    assert told.stdout.split("\n")[1].startswith(there["XDG_STATE_HOME"])
    labkit("check", "01-login", "02-tag", "03-push", env=there, check=0)


@fault(
    "The learner's folder is moved while the lab is up",
    "Work and attempts continue at the new place; the old place stays empty",
)
def test_a_folder_that_was_moved(there):
    old = Path(there["LABKIT_WORK"])
    new = old.with_name("moved")
    old.rename(new)
    moved = {**there, "LABKIT_WORK": str(new)}
    try:
        attempts = (new / ".labkit" / "attempts.jsonl").read_bytes()
        labkit("hint", "02-tag", "tagged", env=moved, check=0)
        assert (new / ".labkit" / "attempts.jsonl").read_bytes().startswith(attempts + b"{")
        labkit(*UP, env=moved, check=0)
        assert labkit_json("status", "--json", env=moved, check=0)["work"] == str(new)
        assert not old.exists()
    finally:
        new.rename(old)


@fault(
    "The lab's keys, contexts and settings on this machine are deleted while it is up",
    "It is reported as the lab's error; `up` starts a new lab, and `down` leaves nothing",
)
def test_a_state_folder_that_is_gone(there, engine):
    state = Path(there["XDG_STATE_HOME"])
    keeper = int((state / "registry-lab" / there["LABKIT_LAB"] / "keeper.pid").read_text())
    shutil.rmtree(state)
    told = labkit("check", "03-push", env=there, check=2).stdout
    assert "The keys of the lab are missing" in told
    assert "Repair it with: labkit up" in told
    again = labkit(*UP, "--workers", "1", env=there, check=0)
    assert "removing the lab's machines" in again.stderr
    assert labkit_json("status", "--json", env=there, check=0)["state"] == "up"
    labkit("down", env=there, check=0)
    assert not psutil.pid_exists(keeper)
    assert_nothing_left(engine, there)


@fault("The keeper of the time limit is killed", "The next `up` starts another; nothing else changes")
def test_a_keeper_that_was_killed(there):
    file = Path(there["XDG_STATE_HOME"], "registry-lab", there["LABKIT_LAB"], "keeper.pid")
    killed = psutil.Process(int(file.read_text()))
    ends = labkit_json("status", "--json", env=there, check=0)["ends"]
    killed.kill()
    until(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE, "its end", 10)
    labkit(*UP, env=there, check=0)
    assert psutil.Process(int(file.read_text())).is_running()
    assert int(file.read_text()) != killed.pid
    assert labkit_json("status", "--json", env=there, check=0)["ends"] == ends


@fault("Another program takes JupyterLab's port while it starts", "It takes another one; `status` shows which")
@fault("JupyterLab is killed", "The lab goes on; the next `up` starts it again in the same folder")
def test_a_jupyterlab_without_a_port_and_then_killed(running_lab, monkeypatch):
    from labkit.jupyter import server as jupyter

    def told():
        return labkit_json("status", "--json", check=0)["jupyter"]

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(jupyter, "free_port", lambda: port)  # it was free when somebody looked
        try:
            first = jupyter.wait(jupyter.start(running_lab, None, browser=False))
            assert f":{port}/" not in first.url
            assert told() == first.url
            psutil.Process(first.pid).kill()
            until(lambda: told() is None, "its end", 10)
            again = labkit("up", "--detach", check=0).stdout
            assert f"Your folder: {running_lab.work}" in again
            assert told() not in (None, first.url)
            assert f"JupyterLab: {jupyter.running().first}" in again
        finally:
            jupyter.stop()


LOST = "[C ServerApp] ERROR: the Jupyter server could not be started because no available port could be found."


@fault(
    "Two JupyterLabs try to take the same port at once",
    "The one that lost starts again at another port; with `--port` you get an error",
)
def test_a_jupyterlab_that_lost_its_port(running_lab):
    from labkit.jupyter import server as jupyter
    from labkit.lab.engine import processes

    begun = []

    def start():
        # The first ends as JupyterLab does whose port was taken between its own look at it and its use: no test can time that.
        begun.append(bool(begun))
        if begun == [False]:
            return processes.detach(["echo", LOST], running_lab.home.state / "jupyter.log")
        return jupyter.start(running_lab, None, browser=False)

    with pytest.raises(jupyter.PortTaken, match="no available port"):
        jupyter.reach(start, again=False)
    begun.clear()
    try:
        assert jupyter.reach(start, again=True) == jupyter.running()
        assert begun == [False, True]
    finally:
        jupyter.stop()


@fault("`up` and `down` run at once", "One waits for the other; there is a complete lab or nothing")
def test_up_and_down_at_once(there, engine):
    with provision.lock(
        replace(paths.home(), name=there["LABKIT_LAB"]), print
    ):  # else one may end before the other begins
        both = [start(there, "down"), start(there, *UP, "--workers", "1")]
        for one in both:
            assert "another labkit that is starting or ending this lab" in one.stderr.readline()
    told = [one.communicate(timeout=120) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    status = labkit_json("status", "--json", env=there)
    if status["state"] == "down":
        assert_nothing_left(engine, there)
    else:
        assert (status["state"], status["missing"]) == ("up", [])


@fault("`down` is killed right after it began", "The next `down` leaves nothing")
def test_a_down_that_was_killed(there, engine):
    down = start(there, "down")
    until(lambda: len(parts(engine, there["LABKIT_LAB"])["containers"]) < 3, "the first machine's end")
    down.kill()
    down.communicate()
    labkit("down", env=there, check=0)
    assert_nothing_left(engine, there)


@fault(
    "A machine's processes are frozen and do not end, and its removal, which a killed `down` began, fails while the next one runs",
    "That one was told that the machine is being removed already; it removes it as soon as it ends",
)
def test_a_removal_that_fails_while_down_waits_for_it(there, engine):
    containers = parts(engine, there["LABKIT_LAB"])["containers"]
    (edge,) = (one["Id"] for one in containers if one["Names"][0].endswith("edge"))
    with engine.wire() as wire:
        first_process = wire.get(f"/containers/{edge}/json")["State"]["Pid"]
    groups = Path(f"/proc/{first_process}/cgroup").read_text()
    own = re.search("^[0-9]+:freezer:/(.+)$", groups, re.M) or pytest.skip("cgroups 2 end what is frozen")
    # Not the machine's own group: the engine thaws that before it kills.
    below = Path("/sys/fs/cgroup/freezer", own[1], "below")
    below.mkdir()
    (below / "cgroup.procs").write_text(str(first_process))
    frozen = below / "freezer.state"
    frozen.write_text("FROZEN")
    try:
        with ThreadPoolExecutor() as pool:
            first = pool.submit(removed, engine, edge)
            until(lambda: is_to_end(first_process), "the first removal")
            down = start(there, "down")
            assert "removing the lab's machines" in down.stderr.readline()
            assert not first.done()
            assert first.result(60) == 500
    finally:
        if frozen.exists():
            frozen.write_text("THAWED")
    told = down.communicate(timeout=90)
    assert down.returncode == 0, told
    assert_nothing_left(engine, there)


def removed(engine, container):
    """The status with which the engine refuses to; 0 if it did."""
    with engine.wire(60) as wire:
        try:
            wire.request("DELETE", f"/containers/{container}?force=1&v=1")
        except WireError as error:
            return error.status
    return 0


def is_to_end(process):
    """Whether SIGKILL waits for it (proc(5))."""
    pending = re.search("^ShdPnd:\t(.+)$", Path(f"/proc/{process}/status").read_text(), re.M)
    return bool(int(pending[1], 16) & 1 << signal.SIGKILL - 1)


@fault(
    "Another container is in the lab's network when the lab ends",
    "`down` names it and says how to disconnect it; it is not touched, and after that nothing is left",
)
def test_a_network_that_somebody_else_uses(there, engine):
    lab = there["LABKIT_LAB"]
    image = next(one["Image"] for one in parts(engine, lab)["containers"])
    docker = ["docker", "-H", engine.url]
    run = [*docker, "run", "-d", "--name", f"{lab}-visitor", "--network", lab, "--entrypoint", "sleep", image, "600"]
    visitor = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()
    try:
        told = labkit("down", env=there, check=2).stderr
        assert f"✗ The lab's network {lab} is in use by other containers: {lab}-visitor." in told
        assert f"→ docker network disconnect {lab} {lab}-visitor; labkit down" in told
        subprocess.run([*docker, "network", "disconnect", lab, f"{lab}-visitor"], check=True)
        labkit("down", env=there, check=0)
        state = subprocess.run([*docker, "inspect", visitor], check=True, capture_output=True, text=True).stdout
        assert json.loads(state)[0]["State"]["Running"]
        assert_nothing_left(engine, there)
    finally:
        subprocess.run([*docker, "rm", "-f", visitor], check=True, capture_output=True)


@fault(
    "The checkout is moved to another folder",
    "`./lab` creates its virtual environment again instead of starting a broken one",
)
def test_a_checkout_that_was_moved(tmp_path):
    old, new, tools = tmp_path / "old", tmp_path / "new", tmp_path / "tools"
    for file in ("lab", "pyproject.toml"):
        old.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, old)
    made = hashlib.sha256(f"{old}\n".encode() + (old / "pyproject.toml").read_bytes()).hexdigest()[:12]
    (old / ".venv" / "bin").mkdir(parents=True)
    (old / ".venv" / f".made-{made}-").touch()
    command = old / ".venv" / "bin" / "labkit"
    command.write_text("#!/bin/sh\necho started\n")
    command.chmod(0o755)
    tools.mkdir()  # and no Python: what makes an environment says so
    for tool in ("bash", "cat", "cut", "dirname", "env", "sha256sum", "sh", "tr"):
        (tools / tool).symlink_to(shutil.which(tool))

    def run(folder):
        return subprocess.run([folder / "lab", "status"], env={"PATH": str(tools)}, capture_output=True, text=True)

    assert run(old).stdout == "started\n"
    old.rename(new)
    moved = run(new)
    assert (moved.returncode, moved.stdout) == (2, "")
    assert "Python 3.11 or newer is missing" in moved.stderr
