"""Whose a lab is, how it ends, and what becomes of it when something in it hangs."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

import pytest
from helpers import until
from lives import UP, Place

from labkit import paths
from labkit.lab.plan import Plan

DOWN = "the-lab-is-down--run-labkit-up"


@pytest.fixture(scope="module")
def place(engine, tmp_path_factory):
    made = Place(engine, tmp_path_factory.mktemp("lives"), f"{os.environ['LABKIT_LAB']}-lives")
    yield made
    made.labkit("down", check=0)
    made.assert_nothing_left()


@pytest.fixture
def up(place):
    """The lab, up."""
    if len(place.machines) < 3 or not place.keeper():
        place.up()
    return place


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


OTHERS = [
    pytest.param(
        lambda place, folder: {"LABKIT_OWNER": "ada@elsewhere:/home/ada/lab", "LABKIT_STATE": str(folder)},
        ("is not yours: it belongs to", f"LABKIT_LAB={{}}-{paths.user()} labkit up"),
        id="another-user",
        marks=pytest.mark.fault(
            "another user has a lab with the same name",
            "`up`, `down` and `reset` refuse and say whose it is; it is not touched",
        ),
    ),
    pytest.param(
        lambda place, folder: {"LABKIT_STATE": str(folder)},
        ("is yours, but it was started with another state folder", "LABKIT_STATE="),
        id="another-state",
        marks=pytest.mark.fault(
            "the same user has another state folder", "`up`, `down` and `reset` refuse and name the right folder"
        ),
    ),
]


@pytest.mark.parametrize(("who", "told"), OTHERS)
def test_a_lab_is_its_owners(up, tmp_path, who, told):
    before, files = up.machines, sorted(up.state.rglob("*"))
    other = who(up, tmp_path / "other")
    for words in (UP, ("down",), ("reset", "--all"), ("status",), ("check", "01-login")):
        refused = up.labkit(*words, check=2, **other)
        assert told[0] in refused.stderr
        assert told[1].format(up.name) in refused.stderr
        assert str(up.state) in refused.stderr
    assert up.machines == before
    assert sorted(up.state.rglob("*")) == files
    assert not (tmp_path / "other").exists()
    assert up.labkit("status").returncode == 0


@pytest.mark.fault(
    "another user's `up` was killed before it had created a machine", "its network and volumes are not taken over"
)
def test_what_is_left_of_anothers_lab_is_theirs(place, tmp_path):
    other = Place(place.engine, tmp_path, f"{place.name}-theirs")
    labels = Plan(other.name, owner="ada@elsewhere:/home/ada/lab").bare_labels
    with place.engine.wire() as wire:
        wire.request("POST", "/volumes/create", {"Name": f"{other.name}-edge", "Labels": labels})
    try:
        assert "it belongs to ada@elsewhere" in other.up(check=2).stderr
        assert "it belongs to ada@elsewhere" in other.labkit("down", check=2).stderr
        assert [one["Name"] for one in other.parts("volumes")] == [f"{other.name}-edge"]
        assert not other.parts("networks")
        assert not other.parts("containers/json")
    finally:
        with place.engine.wire() as wire:
            wire.request("DELETE", f"/volumes/{other.name}-edge")


@pytest.mark.fault(
    "the state folder is lost while the lab is up", "the lab still belongs to its owner: `up` creates it again"
)
def test_a_lost_state_folder(up):
    before = up.machines
    for process in up.keeper():
        process.kill()
    shutil.rmtree(up.state)
    assert "The keys of the lab are missing" in up.labkit("status", check=2).stdout
    assert "removing the lab's machines" in up.up().stderr
    assert up.machines.keys() == before.keys() and not set(up.machines.values()) & set(before.values())
    assert up.labkit("status").returncode == 0


# ── how it ends ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.fault(
    "docker is used in a shell whose lab is down", "it reaches nothing, and says so, until the next `up`"
)
@pytest.mark.parametrize("words", ["down", "down --keep-jupyter"])
def test_a_shell_of_a_lab_that_is_down(up, words):
    played = up.bash(
        f"labkit {words} || exit 9\n"
        "docker ps -q && exit 1\n"
        "docker swarm leave --force && exit 2\n"
        "DOCKER_CONTEXT=worker1 docker ps -q && exit 3\n"
        "DOCKER_CONTEXT=worker7 docker ps -q && exit 4\n"
        f"labkit {' '.join(UP)} || exit 5\n"
        "test -n \"$(docker info --format '{{.Swarm.NodeID}}')\" || exit 6\n"
        "DOCKER_CONTEXT=worker1 docker info --format '{{.Name}}'"
    )
    assert played.returncode == 0, played.stderr
    assert played.stderr.count(DOWN) == 3
    assert 'context "worker7": context not found' in played.stderr
    assert played.stdout.splitlines()[-1] == "worker1"


MOMENTS = [
    (0.0, signal.SIGINT),
    (0.4, signal.SIGHUP),
    (0.8, signal.SIGINT),
    (1.2, signal.SIGTERM),
    (1.7, signal.SIGINT),
]


@pytest.mark.fault("Ctrl-C, SIGTERM or SIGHUP in the first 1.7 s of `up`", "nothing of the lab is left")
def test_an_up_that_is_stopped_at_any_moment(place):
    place.labkit("down", check=0)
    for moment, number in MOMENTS:
        process = place.start("up", "--workers", "1", "--no-jupyter")
        assert process.stderr.readline()
        # A moment and not a state is wanted: the signal must come in the middle of something.
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, number)
        out, told = process.communicate(timeout=60)
        assert "Traceback" not in told, told
        if "The lab is up" in out:
            assert process.returncode == 0, told
        else:
            assert process.returncode == 128 + number or process.returncode == -number, told
        place.assert_nothing_left()


@pytest.mark.fault("Ctrl-C while `up` starts JupyterLab", "JupyterLab and the lab both end")
def test_an_up_that_is_stopped_while_jupyterlab_starts(place):
    place.labkit("down", check=0)
    process = place.start("up", "--workers", "1")
    while "starting JupyterLab" not in (line := process.stderr.readline()):
        assert line
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (0, 130)  # 0 where it was ready by then
    place.assert_nothing_left()


@pytest.mark.fault("Ctrl-C while `up` looks at a running lab", "that lab and its time limit stay")
def test_a_repair_that_is_stopped(up):
    before, keeper = up.machines, [one.pid for one in up.keeper()]
    hung = up.stop_processes("worker1", "dockerd")
    process = up.start(*UP)
    while "checking the lab" not in (line := process.stderr.readline()):
        assert line
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Stopped before the lab was ready" in told
    assert up.machines == before
    assert [one.pid for one in up.keeper()] == keeper
    for pid in hung:
        with contextlib.suppress(ProcessLookupError):  # the machine was being started again when the signal came
            os.kill(pid, signal.SIGCONT)
    until(lambda: up.labkit("status").returncode == 0, "the lab is whole")


@pytest.mark.fault(
    "an `up` in the foreground outlives its lab, and another lab was started since",
    "when it ends, it leaves the new lab alone",
)
def test_an_up_that_outlives_its_lab(place):
    place.labkit("down", check=0)
    process = place.start("up", "--workers", "1", "--no-jupyter")
    while "Press Ctrl-C to end the lab" not in (line := process.stdout.readline()):
        assert line, process.stderr.read()
    place.labkit("down", check=0)
    place.up()
    newer, keeper = place.machines, [one.pid for one in place.keeper()]
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "This lab ended earlier" in out
    assert place.machines == newer
    assert [one.pid for one in place.keeper()] == keeper
    assert place.labkit("status").returncode == 0


# ── what hangs in it ─────────────────────────────────────────────────────────────────────────────────────────────────


PULL = "docker pull -q busybox:1.37.0 && docker --context worker1 pull -q busybox:1.37.0"

HUNG = [
    pytest.param(
        *("edge", "docker-registry", "The store does not answer"),
        id="store",
        marks=pytest.mark.fault("the store hangs", "`status` names it; `up` starts it again; pulls work"),
    ),
    pytest.param(
        *("edge", "-m edge", "timed out"),
        id="edge",
        marks=pytest.mark.fault("the edge hangs", "`status` names it; `up` starts it again; pulls work"),
    ),
    pytest.param(
        *("worker1", "dockerd", "timed out"),
        id="engine",
        marks=pytest.mark.fault("a machine's engine hangs", "`status` names it; `up` starts it again; pulls work"),
    ),
]


@pytest.mark.parametrize(("machine", "command", "why"), HUNG)
def test_what_hangs_is_told_and_started_again(up, machine, command, why):
    up.stop_processes(machine, command)
    status = up.labkit("status", check=2).stdout
    assert f"✗ {machine:<12} running" in status
    assert why in status
    assert "labkit up   (it repairs the lab)" in status
    began = time.monotonic()
    assert f"{machine} does not" in up.up().stderr
    assert time.monotonic() - began < 40
    pulled = up.bash(PULL)
    assert pulled.returncode == 0, pulled.stderr
    until(lambda: up.labkit("status").returncode == 0, "the lab is whole", 20)


@pytest.mark.fault("the store is killed while `up` runs", "`up` waits until it has started again; pulls work")
def test_a_store_that_is_killed_while_up_runs(up):
    with up.engine.wire() as wire:
        told = wire.get(f"/containers/{up.name}-edge/top?ps_args=-eo%20pid,args")
    store = next(int(pid) for pid, command in told["Processes"] if "docker-registry" in command)
    process = up.start(*UP)
    while "checking the lab" not in (line := process.stderr.readline()):
        assert line
    os.kill(store, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == 0
    pulled = up.bash(PULL)
    assert pulled.returncode == 0, pulled.stderr
    assert up.labkit("status").returncode == 0
