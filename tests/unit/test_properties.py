"""Grading on thousands of strange labs: it never raises, never gives too much, and does not depend on order or luck."""

import copy
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from world import MACHINES, World, sha

from labkit.content import exercises
from labkit.grading.grade import grade
from labkit.seen.observation import Observation
from labkit.view import render

NAMES = st.sampled_from(
    ["myapp", "myusername/myapp", "myusername/webapp", "webapp", "library/busybox", "colleague/myapp", "<b>", "a b", ""]
)
TAGS = st.sampled_from(["v1.0.0", "latest", "1.0.0", "V1.0.0", "</script>", "\u202e"])
IMAGES = st.sampled_from(["app", "changed", "other", ""])
MACHINE = st.sampled_from(MACHINES)
STATES = st.sampled_from(
    ["new", "pending", "preparing", "running", "failed", "rejected", "complete", "shutdown", "odd"]
)


@st.composite
def worlds(draw):
    world = World()
    for _ in range(draw(st.integers(0, 4))):
        world.image(draw(MACHINE), draw(IMAGES), [f"{draw(NAMES)}:{draw(TAGS)}"])
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["image", "artifact", "unknown"]))
        world.hold(draw(NAMES), draw(TAGS), draw(IMAGES), draw(st.sampled_from(["hub", "private"])), kind=kind)
    for _ in range(draw(st.integers(0, 8))):
        action = draw(st.sampled_from(["login", "push", "pull", "head", "blob", "delete"]))
        world.log(
            action,
            draw(MACHINE),
            registry=draw(st.sampled_from(["hub", "private"])),
            status=draw(st.sampled_from([200, 401, 404])),
            user=draw(st.sampled_from(["myusername", None, "x"])),
            repository=draw(NAMES),
            reference=draw(TAGS),
            digest=sha(f"manifest of {draw(IMAGES)}"),
        )
        if draw(st.booleans()):
            world.mark(draw(st.sampled_from(exercises.slugs())))
    for name in draw(st.lists(st.sampled_from(["myapp", "webapp", "other"]), unique=True)):
        world.service(
            name, f"{draw(NAMES)}:{draw(TAGS)}", draw(st.sampled_from([None, 0, 1, 3, 9])), draw(st.booleans())
        )
        for slot in range(draw(st.integers(0, 4))):
            code = draw(st.sampled_from([None, 0, 1, 137, 255]))
            world.task(
                slot, draw(STATES), draw(MACHINE), name, draw(st.sampled_from(["", "No such image", "exit"])), code
            )
    if draw(st.booleans()):
        world.data["swarm"]["active"] = draw(st.booleans())
    if draw(st.integers(0, 9)) == 0:
        world.gap("registries", "gone").gap("log", "gone")
    world.data["answers"] = draw(st.dictionaries(st.sampled_from(["06-practice", "x"]), st.dictionaries(NAMES, TAGS)))
    return world


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds(), st.randoms(use_true_random=False))
def test_grading_holds_its_promises(world, luck):
    every = exercises.every()
    report = grade(every, world.observation)
    for one in report.exercises:
        assert 0 <= one.earned <= one.points
        assert not [check for check in one.checks if "check itself broke" in check.message]
        for check in one.checks:
            assert len(check.message) < 300
    assert grade(every, world.observation).to_json() == report.to_json()
    report.text()
    render.report(report)
    shuffled = grade(every, Observation.read(_shuffled(world.data, luck)))
    assert [_verdict(one) for one in shuffled.exercises] == [_verdict(one) for one in report.exercises]


def _verdict(exercise):
    return [(check.id, check.outcome, check.diagnosis) for check in exercise.checks]


def _shuffled(data, luck: random.Random):
    """The same lab, with everything in another order, but the log, which comes in its own."""
    data = copy.deepcopy(data)
    for engine in data["engines"].values():
        luck.shuffle(engine["images"])
    if data["registries"]:
        _shuffle(data["registries"], "manifests", luck)
        for registry in data["registries"]["known"].values():
            _shuffle(registry, "repositories", luck)
    for service in data["swarm"]["services"].values():
        luck.shuffle(service["tasks"])
    for holder, key in ((data, "engines"), (data, "answers"), (data["swarm"], "services")):
        _shuffle(holder, key, luck)
    return data


def _shuffle(holder, key, luck):
    items = list(holder[key].items())
    luck.shuffle(items)
    holder[key] = dict(items)
