"""Machines that fall silent while the Swarm still takes their tasks for running."""

import pytest
from helpers import FIVE, labkit, shell, until

from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.lab import find
from labkit.lab.engine.execute import execute
from labkit.lab.looking.observe import observe

SLUG = "05-deploy"


def running(lab):
    """The last check's (outcome, message)."""
    exercise = exercises.load(SLUG)
    told = grade_one(exercise, observe(lab, exercise.sees)).checks[-1]
    return told.outcome.value, told.message


def deployed(lab):
    done = shell(lab, FIVE)
    assert done.returncode == 0, done.stderr
    until(lambda: running(lab)[0] == "passed", "three tasks")


SILENT = "2 of 3 tasks run on nodes that answer; no answer from worker2"


@pytest.mark.fault(
    "a worker's engine hangs (SIGSTOP)", "its tasks are *converging*, not passed; once it continues, all is as before"
)
def test_an_engine_that_hangs(lab):
    deployed(lab)
    worker = lab.parts["worker2"].id
    execute(lab.engine, worker, ["pkill", "-STOP", "-x", "dockerd"])
    try:
        outcome, message = running(lab)
    finally:
        execute(lab.engine, worker, ["pkill", "-CONT", "-x", "dockerd"])
    assert (outcome, SILENT in message) == ("converging", True), message
    until(lambda: running(lab)[0] == "passed", "the engine that goes on")


@pytest.mark.fault(
    "a worker that runs a task is switched off",
    "*converging* at once, not passed; passed again once the Swarm runs the task elsewhere; `up` repairs the machine",
)
def test_a_machine_that_is_gone(lab):
    deployed(lab)
    try:
        with lab.engine.wire() as wire:
            wire.request("POST", f"/containers/{lab.parts['worker2'].id}/kill")
        gone = find.current()
        outcome, message = running(gone)
        assert (outcome, SILENT in message) == ("converging", True), message
        seen = []
        until(lambda: seen.append(running(gone)) or seen[-1][0] != "converging", "tasks elsewhere")
        assert seen[-1][0] == "passed", seen[-1]
    finally:
        assert labkit("up", "--detach", "--no-jupyter").returncode == 0
    assert running(find.current())[0] == "passed"
