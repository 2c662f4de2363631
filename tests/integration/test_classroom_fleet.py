"""One classroom on PostgreSQL, two brokers as programs of their own, each with a real engine: over the network that is between
them, with what is handed in, and with the death and the return of one of them."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import postgres
import pytest
import second_engine
from classrooms import classroom
from helpers import ROOT, until

from labkit.classroom import opening
from labkit.classroom.broker import joining
from labkit.classroom.broker.standing import State
from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.lab.guest import asking
from labkit.lab.lifecycle import keeper
from labkit.lab.looking.observe import EVERYTHING
from labkit.seen.observation import Observation

LEARNERS = ("ada", "grace", "li")


class Program:
    """`labkit classroom broker`, as a process."""

    def __init__(self, name, engine, room, root):
        self.name, self.engine, self.room, self.root, self.process = name, engine, room, root, None

    def start(self, *words):
        """`words` are what more it is called with; a pass comes with `--join`."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("LABKIT")}
        env |= {"PYTHONPATH": str(ROOT), "LABKIT_ENGINE": self.engine, "LABKIT_STATE": str(self.root / "state")}
        listen = (
            json.loads(self.note.read_text())["address"].removeprefix("https://")
            if self.note.exists()
            else "127.0.0.1:0"
        )
        command = [sys.executable, "-m", "labkit", "classroom", "broker", "--listen", listen, "--root", str(self.root)]
        self.root.mkdir(exist_ok=True)
        with (self.root / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--workers", "0", *words], env=env, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True
            )
        if "--join" in words:
            code = f"{joining.invite(self.room.opened.folder, self.name)}.{self.room.room.fingerprint}\n"
            self.process.stdin.write(code)
        self.process.stdin.close()

    @property
    def note(self):
        return self.room.opened.folder / "brokers" / self.name / "broker.json"

    def end(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            return self.process.wait(60)


@pytest.fixture
def world(engine, tmp_path, tmp_path_factory):
    """A classroom with its fleet, and both brokers, which have joined."""
    name = f"flt{os.getpid()}"
    with (
        postgres.running() as database,
        second_engine.running(engine, tmp_path_factory.mktemp("alone")) as other,
        classroom(tmp_path / "rooms", database.url, name=name) as room,
        opening.servers(room.opened, patience=2.0) as fleet,
    ):
        north = Program("north", other.own["LABKIT_ENGINE"], room, tmp_path / "north")
        south = Program("south", engine.url, room, tmp_path / "south")
        try:
            north.start("--join", room.room.address, "--labs", "2")
            south.start("--join", room.room.address, "--labs", "3")
            until(lambda: sum(one.alive for one in fleet.places()) == 2, "both brokers", 120)
            yield SimpleNamespace(room=room, fleet=fleet, north=north, south=south, other=other, root=tmp_path)
            for learner in LEARNERS:
                fleet.remove(learner)
        finally:
            print(*((one.root / "log").read_text() for one in (north, south) if one.root.exists()))
            ended = [one.end() for one in (north, south)]
    assert ended == [0, 0]


def works(world, learner):
    """Signs in on the lab's workstation, over the classroom, and asks the broker there as the lab's guest, with the guest's keys.
    Returns what it is worth."""
    user = world.room.room.key.person(learner).username
    session = world.fleet.session(learner, "workstation", ["docker", "login", "-u", user, "-p", "mypassword"])
    printed = b""
    while piece := session.read()[1]:
        printed += piece
    assert session.status() == 0, printed
    session.close()
    name, program = world.fleet.status(learner).lab, getattr(world, world.fleet.at(learner))
    (port,) = (one for one in program.root.rglob(keeper.GUESTS) if name in one.parts)
    (keys,) = {one.parent for one in port.parent.rglob("guest/key.pem")}
    asked = {"sections": EVERYTHING, "said": {}}
    told = asking.get(f"https://127.0.0.1:{port.read_text().strip()}", keys, "/observation", "POST", asked)
    return grade_one(exercises.load("01-login"), Observation.read(told)).earned


def kept(world, learner):
    """The results of the exercise that the classroom has."""
    return [one for one in world.room.results(learner) if one.exercise == "01-login"]


@pytest.mark.fault(
    "A server of two is lost while a class works: its broker and its engine are killed",
    "It is told; its learners get new labs on the other one, and keep what was observed; when it is back, each has one lab",
)
@pytest.mark.starts_an_engine
def test_a_class_on_two_servers_of_which_one_dies(world):
    fleet, north = world.fleet, world.north
    with ThreadPoolExecutor() as pool:
        # All at once: two engines of one machine choose addresses for their labs in the same moment.
        assert {one.state for one in pool.map(fleet.start, LEARNERS)} == {State.UP}
        assert sorted(map(fleet.at, LEARNERS)) == ["north", "south", "south"]  # where most room is left
        (lost,) = (one for one in LEARNERS if fleet.at(one) == "north")
        earned = dict(zip(LEARNERS, pool.map(lambda one: works(world, one), LEARNERS), strict=True))
    assert min(earned.values()) > 0
    for learner in LEARNERS:
        until(lambda learner=learner: kept(world, learner), "what was observed there")
    assert {learner: world.room.points(learner, "01-login") for learner in LEARNERS} == earned
    before = {learner: len(kept(world, learner)) for learner in LEARNERS}

    north.end(signal.SIGKILL)
    pid = int((world.other.run / "docker.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists(), "the engine's end")
    until(lambda: fleet.at(lost) == "south" and fleet.status(lost).state is State.UP, "the new lab", 120)
    told = [line.what for line in world.room.log("servers")]
    assert told == ["The server north has not answered for 2 s.", f"{lost}'s lab is started anew on south."]
    assert world.room.points(lost, "01-login") == earned[lost]
    assert works(world, lost) == earned[lost]

    world.other.start()
    north.start("--labs", "2")  # it has joined already
    until(
        lambda: (
            f"{lost}'s lab on north is stopped: they have another one now."
            in [line.what for line in world.room.log("servers")]
        ),
        "the stop of the old lab",
        120,
    )
    assert [(one.learner, one.state) for one in fleet.all()] == [(one, State.UP) for one in LEARNERS]
    assert {fleet.at(one) for one in LEARNERS} == {"south"}
    assert fleet.observe(lost).lab.person.learner == lost
    for broker in (north, world.south):
        until(lambda broker=broker: not list(broker.root.rglob("queue/*.json")), "an empty queue")
        assert not list(broker.root.rglob("refused/*.json"))
    assert {learner: len(kept(world, learner)) for learner in LEARNERS} == before  # nothing lost, nothing twice
