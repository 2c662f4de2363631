"""The machine `depot`: what is seen of it, that a trial ends what a script leaves behind, and that a reset takes everything back."""

from helpers import ROOT, shell

from labkit.content import exercises
from labkit.lab.engine.execute import execute
from labkit.lab.lifecycle import provision
from labkit.lab.looking.observe import observe
from labkit.lab.playing import reset, trials
from labkit.seen.depot import Depot

SLUG = "09-cleanup"
LEAVES = """#!/bin/sh
id -u
setsid sleep infinity > /dev/null 2>&1 &
head -c 100000000 /dev/zero > large
"""


def typed(lab, script):
    """In bash, with the words of the attempts."""
    done = shell(lab, f". {ROOT}/solutions/prelude.sh; . {ROOT}/solutions/{SLUG}/prelude.sh\n{script}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_depot_is_seen_and_taken_back(running_lab):
    if "depot" not in running_lab.parts:
        assert observe(running_lab, ["depot"]).depot == Depot()
    lab = provision.start_extra(reset.reset_all(running_lab), "depot", print)
    before = observe(lab, ["depot", "registries"])
    assert before.registries.known["depot:5000"].repositories == before.depot.repositories
    assert before.depot.broken_off in before.depot.blobs

    typed(lab, f"delete v1.0.0; collect; back; written <<'END'\n{LEAVES}END")
    depot = observe(lab, ["depot"]).depot
    (digest,) = depot.deleted
    assert depot.cached and depot.lacking(digest), "a push beside the cache is broken"
    assert depot.broken_off not in depot.blobs

    assert trials.play(lab, exercises.load(SLUG), print, ["plain"])
    (tried,) = observe(lab, ["depot"]).depot.trial.registries
    assert tried.first.output.startswith("20000\n"), "it is nobody else's account"
    assert "File size limit exceeded" in tried.first.output or not tried.first.well
    left = execute(lab.engine, lab.parts["depot"].id, ["sh", "-c", "ps -eo uid,comm | grep '^ *20000' || echo nothing"])
    assert left == "nothing"

    lab = reset.reset(lab, [exercises.load(SLUG)])
    again = observe(lab, ["depot"]).depot
    assert again == before.depot
    assert reset.reset_all(lab).parts["depot"].id == running_lab.parts.get("depot", lab.parts["depot"]).id
