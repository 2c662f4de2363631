"""What a lab is, in one word: the same for the command, the watch and the panel."""

import re
import threading
import time
from pathlib import Path

import msgspec
import pytest
from world import World, practiced, solved

from labkit import status
from labkit.lab.access import Owner
from labkit.lab.engine.engines import Engine
from labkit.lab.lab import Instance, Lab
from labkit.lab.looking import watch
from labkit.lab.looking.sight import Sight, state_of
from labkit.lab.plan import Plan
from labkit.paths import Home
from labkit.seen.log import LOOKER
from labkit.work import answers

SILENT = "TimeoutError: it did not answer"
NODES = ("workstation", "worker1", "worker2")


def part(name, state="running"):
    return Instance(f"id-{name}", name, "node" if name in NODES else name, state, "10.0.0.1", 1, "image")


PARTS = {name: part(name) for name in ("edge", *NODES)}


def lab(parts=PARTS, deadline=0, work="/nowhere"):
    home = Home("lab", Path("/nowhere/state"), Path(work), Path("/nowhere/cache"))
    return Lab(Plan("lab", home.work, 2, round(deadline)), home, Owner(Engine("unix:///x")), parts)


def without(name, state=None, **changes):
    parts = {key: value for key, value in PARTS.items() if key != name}
    return lab(parts | ({name: part(name, state)} if state else {}), **changes)


def silent(*names):
    world = World()
    for name in names:
        for section in {"edge": ("registries", "log"), "swarm": ("swarm",)}.get(name, (f"engines/{name}",)):
            world.gap(section, SILENT)
    return world.observation


def test_a_lab_that_is_not_there_is_down():
    assert state_of(None) == Sight("down", problem="The lab is not running.")


def test_a_whole_lab_is_up():
    seen = World().observation
    assert state_of(lab(), seen) == Sight("up", lab(), seen)


@pytest.mark.parametrize(
    ("found", "seen", "broken", "problem"),
    [
        (without("worker1"), World().observation, {"worker1": "missing"}, "Not running: worker1."),
        (without("worker1", "exited"), World().observation, {"worker1": "exited"}, "Not running: worker1."),
        (without("edge", "paused"), silent("edge"), {"edge": "paused"}, "Not running: edge."),
        (lab(), silent("worker1"), {"worker1": SILENT}, f"worker1: {SILENT}."),
        (lab(), silent("edge", "swarm"), {"edge": SILENT, "swarm": SILENT}, f"edge: {SILENT}. swarm: {SILENT}."),
        (
            without("workstation", "exited"),
            silent("workstation", "swarm"),
            {"workstation": "exited"},
            "Not running: workstation.",
        ),
        (
            without("worker1"),
            silent("worker2"),
            {"worker1": "missing", "worker2": SILENT},
            f"Not running: worker1. worker2: {SILENT}.",
        ),
    ],
    ids=["missing", "stopped", "stopped and silent", "silent", "edge and swarm", "the manager", "both"],
)
def test_a_broken_lab_says_which_parts_and_why(found, seen, broken, problem):
    sight = state_of(found, seen)
    assert (sight.state, sight.broken, sight.problem) == ("broken", broken, problem)


def test_an_expired_lab_is_expired_whatever_else_it_is():
    past = time.time() - 60
    for found in (lab(deadline=past), without("worker1", deadline=past)):
        assert state_of(found, silent("edge")).state == "expired"
    assert state_of(lab(deadline=time.time() + 60), World().observation).state == "up"


def test_a_lab_that_is_not_there_says_whether_its_time_ended():
    assert state_of(None).problem == "The lab is not running."
    ended = state_of(None, ended=time.time())
    assert ended.state == "down"
    assert re.fullmatch(r"The lab's time ended at \d\d:\d\d on .*\.", ended.problem)


def test_the_watch_tells_that_a_lab_got_more_time(monkeypatch):
    found, told = [lab(deadline=time.time() + 60)], []
    monkeypatch.setattr(watch, "look", lambda *_: state_of(found[0], World().observation))
    monkeypatch.setattr(watch.Watch, "_follow", lambda *_: None)
    looking = watch.Watch()
    looking.listen(told.append)
    try:
        until(lambda: told)
        found[0] = longer = lab(deadline=time.time() + 3600)
        looking.wake()
        until(lambda: told[-1].lab is longer)
    finally:
        looking.stop()


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_apps_are_asked_again_only_where_a_task_changed_or_time_went_by(monkeypatch):
    """To ask them takes longer than all else: what a push changed is shown without it."""
    world, asked, sights = practiced(), [], []

    def look(wanted=watch.EVERYTHING):
        asked.append("pages" in wanted)
        seen = world.observation
        return state_of(lab(), seen if "pages" in wanted else msgspec.structs.replace(seen, pages=None))

    def after(change):
        before = len(asked)
        change()
        looking.wake()
        until(lambda: len(asked) > before and sights)
        return asked[before]

    monkeypatch.setattr(watch, "look", look)
    monkeypatch.setattr(watch.Watch, "_follow", lambda *_: None)
    monkeypatch.setattr(watch, "HEARTBEAT", 60)
    looking = watch.Watch()
    looking.listen(sights.append)
    try:
        until(lambda: sights)
        shown = sights[-1].observation.pages
        assert shown and asked[0]
        assert after(lambda: world.log("login", user="bob", status=401, reason="unknown-user")) is False
        until(lambda: len(sights) > 1)
        assert sights[-1].observation.pages == shown
        assert after(lambda: world.service("other", "myusername/myapp:v1.0.0")) is False
        until(lambda: asked[-1])  # the look showed that tasks changed
        monkeypatch.setattr(watch, "HEARTBEAT", 0)
        assert after(lambda: None) is True
    finally:
        looking.stop()


def test_the_watch_and_the_command_say_the_same_of_a_broken_and_expired_lab(monkeypatch):
    found = without("worker1", deadline=time.time() - 60)
    monkeypatch.setattr(watch.find, "any_engine", lambda: found)
    sight = watch.look()
    assert sight.state == "expired"
    made = status.of(sight, "lab")
    assert made.to_json()["state"] == "expired"
    assert made.exit_code == 2
    assert "The lab is expired. It ended at" in made.text()
    assert made.text().endswith("→ labkit down && labkit up")
    assert "✗ worker1      missing" in made.text()


# ── status ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_status_of_a_lab_that_is_up():
    world = solved()
    made = status.of(state_of(lab(), world.observation), "lab", "http://127.0.0.1:8888/lab?token=t")
    told = made.to_json()
    assert (told["state"], made.exit_code, told["problems"]) == ("up", 0, {})
    assert set(told["machines"]) == {"edge", *NODES}
    assert list(told["registries"]["hub"]["myusername/myapp"]) == ["v1.0.0"]
    seen = {"image": "myusername/myapp:v1.0.0", "replicas": 3, "running": 3}
    assert told["services"]["myapp"] == {**seen, "page": None}
    assert "myapp: 3 of 3 run myusername/myapp:v1.0.0" in made.text()
    assert "JupyterLab: http://127.0.0.1:8888/lab/tree/00-start.ipynb?token=t\n" in made.text()
    assert told["jupyter"] == "http://127.0.0.1:8888/lab?token=t"
    assert "→" not in made.text()


def test_the_status_of_a_broken_lab_names_each_part_once():
    sight = state_of(without("worker2", "exited"), silent("worker2", "worker1", "edge"))
    text = status.of(sight, "lab").text()
    assert text.count("worker2") == 1
    assert "✗ worker2      exited\n" in text
    assert "✗ worker1      running TimeoutError: it did not answer" in text
    assert "✗ edge         running TimeoutError: it did not answer" in text
    assert text.endswith("→ labkit up   (it repairs the lab)")
    assert status.of(sight, "lab").exit_code == 2


def test_the_status_where_no_lab_is():
    made = status.of(state_of(None), "lab", engines=("unix:///x",))
    assert made.to_json() == {"schema": 1, "state": "down", "lab": "lab", "engines": ["unix:///x"]}
    assert made.text() == "The lab is not running.\n  → labkit up"
    assert made.exit_code == 1


def test_the_status_counts_what_it_does_not_name():
    world = World()
    for number in range(12):
        world.hold("myusername/many", f"v{number}")
    assert "and 4 more" in status.of(state_of(lab(), world.observation), "lab").text()


def test_what_is_written_during_a_look_is_looked_at_again_soon(tmp_path, monkeypatch):
    """A sign-in reaches the registry's log before the file that keeps it is written."""
    there, looks, enough = lab(work=str(tmp_path)), [], threading.Event()

    def look(*_):
        looks.append(time.monotonic())
        if len(looks) == 2:  # the first finds the lab
            file = tmp_path / answers.FILE
            file.parent.mkdir()
            file.write_text("{}")
        if len(looks) == 3:
            enough.set()
        return Sight("up", there)

    monkeypatch.setattr(watch, "look", look)
    monkeypatch.setattr(watch.Watch, "_follow", lambda *_: None)
    monkeypatch.setattr(watch, "HEARTBEAT", 60)
    watching = watch.Watch()
    try:
        assert enough.wait(5)
    finally:
        watching.stop()


def test_a_look_of_our_own_wakes_nobody():
    class Wire:
        def __init__(self, *told):
            self.told = told

        def lines(self, path):
            for one in self.told:
                yield one
                seen.append(wake.is_set())

    look = {"action": "pull", "agent": LOOKER}
    others = ({**look, "action": "push"}, {**look, "agent": "docker/26.1.5"}, {"Type": "container"})
    for told, woken in [(look, False), *((other, True) for other in others)]:
        seen, wake = [], threading.Event()
        watch._Stream(Wire(told), "/events", wake).join(5)
        assert seen == [woken], told
