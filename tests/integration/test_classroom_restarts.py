"""A classroom whose labs are on one engine, which is restarted, and then killed, while two learners work."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import second_engine
from classrooms import classroom
from helpers import ROOT, until

from labkit.classroom import opening
from labkit.classroom.broker.standing import State
from labkit.errors import LabError
from labkit.lab.engine.engines import Engine

LEARNERS = ("ada", "grace")
AWAY = "The Docker Engine does not answer: its labs cannot be used."
BACK = "The Docker Engine answers again: labs that it took along are brought back."


@pytest.fixture
def world(engine, tmp_path, tmp_path_factory):
    """The classroom with its broker, and what starts the engine."""
    there, name = contextlib.ExitStack(), f"rst{os.getpid()}"

    def labs(opened):
        url = alone.own["LABKIT_ENGINE"]
        there.enter_context(opening.labs(opened, Engine(url), opening.Labs(workers=0, remove=True), lambda _: None))

    with (
        second_engine.running(engine, tmp_path_factory.mktemp("alone")) as alone,
        classroom(tmp_path / "rooms", name=name, before=labs) as room,
        there,
    ):
        yield SimpleNamespace(room=room, broker=room.room.labs, alone=alone, root=tmp_path)


def ran(world, learner, script):
    """On the learner's workstation, by the broker."""
    session = world.broker.session(learner, "workstation", ["sh", "-c", script])
    printed = b""
    while piece := session.read()[1]:
        printed += piece
    assert session.status() == 0, printed
    session.close()


def as_guest(world, learner, *words):
    folder = world.root / "guests" / learner
    env = {key: value for key, value in os.environ.items() if not key.startswith("LABKIT")}
    env |= {"PYTHONPATH": str(ROOT), "LABKIT_GUEST": str(folder), "LABKIT_WORK": str(folder / "work")}
    command = [sys.executable, "-m", "labkit", *words]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=180)


def earned(world, learner, slug):
    told = as_guest(world, learner, "check", slug, "--json")
    return json.loads(told.stdout)["exercises"][0]["earned"]


def kept(world, learner, slug):
    return [one for one in world.room.results(learner) if one.exercise == slug]


def said(world):
    return [one.what for one in world.room.log("servers")]


@pytest.mark.fault(
    "The engine of a classroom's labs is restarted, and later killed, while learners work",
    "Pages and log say so; once it answers, all labs come back by themselves with what was done in them, and looks and marks go on",
)
@pytest.mark.starts_an_engine
def test_the_engine_is_restarted_under_a_classroom(world):
    room, broker = world.room, world.broker
    pages = {learner: room.browser(learner) for learner in LEARNERS}
    persons = {learner: room.room.key.person(learner) for learner in LEARNERS}
    with ThreadPoolExecutor() as pool:
        assert {one.state for one in pool.map(broker.start, LEARNERS)} == {State.UP}
    for learner in LEARNERS:
        broker.access(learner, world.root / "guests" / learner)
        ran(world, learner, f"docker login -u {persons[learner].username} -p mypassword")
        assert earned(world, learner, "01-login") > 0
        until(lambda learner=learner: kept(world, learner, "01-login"), "what was observed")
    before = {
        learner: (len(kept(world, learner, "01-login")), room.points(learner, "01-login")) for learner in LEARNERS
    }

    for times, how in enumerate((signal.SIGTERM, signal.SIGKILL), 1):
        pid = int((world.alone.run / "docker.pid").read_text())
        os.kill(pid, how)
        until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), "the engine's end", 90)
        until(lambda: "server away" in pages["ada"].get("/me").text, "the word on Ada's page")
        with pytest.raises(LabError, match="does not answer"):
            broker.observe("ada")
        refused = as_guest(world, "ada", "check", "01-login")
        assert refused.returncode == 2 and "✗" in refused.stderr and "Traceback" not in refused.stderr
        world.alone.start()
        for learner in LEARNERS:
            until(lambda learner=learner: broker.status(learner).state is State.UP, f"{learner}'s lab", 180)
        until(lambda: "server away" not in pages["ada"].get("/me").text, "the word on Ada's page")
        until(lambda times=times: said(world) == [AWAY, BACK] * times, "the log")
        # Their access, what they did and what is known of it are as before, and it goes on.
        for learner in LEARNERS:
            assert earned(world, learner, "01-login") == before[learner][1]
            assert (len(kept(world, learner, "01-login")), room.points(learner, "01-login")) == before[learner]
    ran(world, "ada", f"docker tag myapp:latest {persons['ada'].username}/myapp:{persons['ada'].version}")
    assert earned(world, "ada", "02-tag") > 0
    until(lambda: room.points("ada", "02-tag") > 0, "the new mark")
