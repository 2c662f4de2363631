"""The corpus of attempts: its first lines, and its recordings graded again, verdicts and sentences."""

import os
import sys

import pytest
from side_by_side import play_all

from labkit.authoring import attempts, new, recordings
from labkit.authoring.attempts import Attempt
from labkit.content import diagnoses, exercises
from labkit.errors import LabError

CORPUS = attempts.corpus()
NOTES = {"login-password-visible", "pipeline-tag-resolved", "k8s-no-schemas"}
"""Diagnoses that are told with a check that passed."""

IN_A_CLUSTER = {"k8s-not-applied", "k8s-applied-other", "k8s-pod-waits", "k8s-not-back"}
"""Those of checks that are asked for only where k3s can be had: test_kubernetes.py tells each by an API server's answers."""


def test_the_corpus_is_large_enough_and_hits_every_diagnosis():
    right = [attempt for attempt in CORPUS if attempt.right]
    assert len(right) >= 100
    assert len(CORPUS) - len(right) >= 150
    hit = {verdict for attempt in CORPUS for verdict in attempt.expected.values()}
    assert set(diagnoses.catalogue()) - NOTES - IN_A_CLUSTER <= hit


def test_an_attempt_is_there_once():
    ids = [attempt.id for attempt in CORPUS]
    assert len(ids) == len(set(ids))
    typed = {}
    for attempt in CORPUS:
        lines = attempt.file.read_text().splitlines()
        commands = tuple(line for line in lines if line and not line.startswith("#"))
        assert typed.setdefault((attempt.slug, commands), attempt.id) == attempt.id


@pytest.mark.parametrize("slug", exercises.slugs())
def test_a_first_line_names_every_check_and_only_what_there_is(slug):
    checks = [check.id for check in exercises.load(slug).checks if check.missing is None]
    known = {*diagnoses.catalogue(), "passed", "blocked", "converging"}
    for attempt in attempts.corpus([f"{slug}/"]):
        assert list(attempt.expected) == checks, attempt.id
        assert set(attempt.expected.values()) <= known, attempt.id
        assert attempt.right == (set(attempt.expected.values()) == {"passed"}), attempt.id


@pytest.mark.parametrize("slug", exercises.slugs())
def test_the_recordings_are_graded_as_they_were_and_as_first_lines_say(slug):
    observations, told = recordings.load(slug), recordings.load_told(slug)
    chosen = {attempt.name: attempt for attempt in attempts.corpus([f"{slug}/"])}
    again = f"record anew: .venv/bin/python tests/acceptance/corpus.py --record {slug}/"
    assert set(observations) == set(told) == set(chosen), again
    for name, attempt in chosen.items():
        now = recordings.retell(slug, observations[name])
        assert now == told[name], f"{attempt.id}: if this is meant, {again}"
        assert attempt.problem(recordings.verdicts(now)) == "", attempt.id


@pytest.mark.parametrize("slug", exercises.slugs())
def test_what_was_expected_and_what_was_found_never_read_alike(slug):
    told = (
        (name, check, text) for name, checks in recordings.load_told(slug).items() for check, text in checks.items()
    )
    alike = [(name, check) for name, check, text in told if "expected" in text and text["expected"] == text["found"]]
    assert alike == [], "a learner would see no difference"


def test_recordings_stay_small():
    size = sum(file.stat().st_size for file in recordings.folder().iterdir())
    assert size < 3 * 2**20


def attempt(tmp_path, first_line, name="wrong-way"):
    file = tmp_path / f"{name}.sh"
    file.write_text(f"{first_line}\ntrue\n")
    return Attempt("02-tag", name, file)


WHOLE = {"tagged": "tag-typo", "same_image": "blocked"}


@pytest.mark.parametrize(
    ("first_line", "found", "problem"),
    [
        ("# expect: all passed", {"tagged": "passed", "same_image": "passed"}, ""),
        (
            "# expect: all passed",
            {"tagged": "passed", "same_image": "tag-other-image"},
            "expected same_image=passed, found same_image=tag-other-image",
        ),
        ("# expect: tagged=tag-typo same_image=blocked", WHOLE, ""),
        ("# expect: tagged=tag-none same_image=blocked", WHOLE, "expected tagged=tag-none, found tagged=tag-typo"),
        ("# expect: tagged=tag-typo", WHOLE, "expected same_image=nothing, found same_image=blocked"),
        ("# expect: tag-typo", WHOLE, ""),
        ("# expect: tag-none", WHOLE, "expected tag-none, found ['tag-typo']"),
        ("# expect: tag-none", {"tagged": "passed", "same_image": "passed"}, "expected tag-none, found none"),
        (
            "# expect: tag-typo",
            {"tagged": "tag-typo", "same_image": "error"},
            "the lab or a check broke: tagged=tag-typo same_image=error",
        ),
    ],
)
def test_a_first_line_is_compared_with_what_was_found(tmp_path, first_line, found, problem):
    assert attempt(tmp_path, first_line).problem(found) == problem


@pytest.mark.parametrize("first_line", ["", "true", "# diagnosis: tag-typo", "# expect: Tag typo", "# expect: a=b c"])
def test_a_first_line_that_says_nothing_is_refused(tmp_path, first_line):
    with pytest.raises(LabError, match="does not begin with “# expect: …”"):
        _ = attempt(tmp_path, first_line).diagnosis


def test_a_short_first_line_is_completed(tmp_path):
    way = attempt(tmp_path, "# expect: tag-typo")
    assert (way.short, way.diagnosis, way.expected) == (True, "tag-typo", {})
    way.fill(WHOLE)
    assert way.file.read_text() == "# expect: tagged=tag-typo same_image=blocked\ntrue\n"
    assert (way.short, way.diagnosis, way.expected) == (False, "tag-typo", WHOLE)


def test_the_template_begins_with_the_short_form(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_COURSE", str(tmp_path))
    (tmp_path / "exercises").mkdir()
    new.new("07-clean")
    ways = attempts.of_author("07-clean")
    assert [way.diagnosis for way in ways] == ["tag-none"] * 3
    assert exercises.load("07-clean").checks


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"),
        (f"sha256:{'a' * 12} at 2026-01-01T10:00:00.5Z", f"sha256:{'b' * 12} at 2026-02-03T11:00:00Z"),
        ("worker1 pulled it (line 7 of the access log)", "worker1 pulled it (line 19 of the access log)"),
        ("myapp.1 on worker1, myapp.2 on worker2", "myapp.1 on workstation, myapp.2 on worker1"),
        ("exit code 3 (worker1)", "exit code 3 (worker2)"),
        (
            "myapp.worker1 on worker1, myapp.worker2 on worker2",
            "myapp.worker2 on worker2, myapp.workstation on workstation",
        ),
        ("stopped 3 times, after 12 s, 11 s, 12 s", "stopped 2 times, after 11 s, 12 s"),
        ("worker1: preparing, worker2: starting", "no node: pending"),
        (
            "paused due to failure of task oooxjr53nrwhofw9tfywxsdv6",
            "paused due to failure of task 9jzt33oxzn8qx97ezp46lbowz",
        ),
        ("The image runs as the service hardcore_hamilton.", "The image runs as the service determined_hertz."),
    ],
)
def test_what_varies_from_lab_to_lab_is_no_difference(before, after):
    assert recordings.differences({"a": {"evidence": before}}, {"a": {"evidence": after}}) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("worker1 pulled it", "worker2 pulled it"),
        ("2 of 3 tasks run", "1 of 3 tasks run"),
        (f"sha256:{'a' * 64}", f"sha256:{'a' * 12}"),
        ("myapp.1 on worker1", "webapp.1 on worker1"),
        ("exit code 3 (worker1)", "exit code 4 (worker1)"),
    ],
)
def test_the_rest_is(before, after):
    assert recordings.differences({"a": {"evidence": before}}, {"a": {"evidence": after}}) != []


TOLD = {"tagged": {"claim": "It is tagged.", "outcome": "passed", "evidence": "myusername/myapp:v1.0.0"}}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (
            {"tagged": TOLD["tagged"] | {"claim": "It has a tag."}},
            "tagged, claim: was 'It is tagged.', is 'It has a tag.'",
        ),
        ({"tagged": TOLD["tagged"] | {"outcome": "error"}}, "tagged, outcome: was 'passed', is 'error'"),
        ({"tagged": TOLD["tagged"] | {"message": "A note."}}, "tagged, message: was '', is 'A note.'"),
        ({}, "tagged, claim: was 'It is tagged.', is ''"),
    ],
)
def test_a_sentence_that_reads_otherwise_is_a_difference(now, told):
    assert told in recordings.differences(TOLD, now)


def test_the_same_recordings_give_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "folder", lambda: tmp_path)
    observations = {"wrong-b": {"b": 1, "a": [2]}, "right-a": {}}
    recordings.save("02-tag", observations, {"wrong-b": TOLD, "right-a": {}})
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    recordings.save("02-tag", dict(reversed(observations.items())), {"right-a": {}, "wrong-b": TOLD})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
    assert recordings.load("02-tag") == observations
    assert recordings.load_told("02-tag") == {"wrong-b": TOLD, "right-a": {}}


WORKER = """
import json, os, sys
for line in sys.stdin:
    if line == "02-tag/breaks\\n" and os.environ["LABKIT_LAB"] == "weak":
        sys.exit("no engine answers")
    print(json.dumps({"id": line.strip(), "lab": os.environ["LABKIT_LAB"]}), flush=True)
"""


def played(ids, labs):
    envs = [{**os.environ, "LABKIT_LAB": name} for name in labs]
    return {result["id"]: result for result in play_all(ids, envs, [sys.executable, "-c", WORKER])}


def test_labs_side_by_side_take_from_one_queue():
    ids = [f"02-tag/wrong-{number}" for number in range(40)]
    results = played(ids, ["a", "b", "c"])
    assert set(results) == set(ids)
    assert {result["lab"] for result in results.values()} <= {"a", "b", "c"}


def test_a_lab_that_breaks_costs_one_attempt_and_is_told():
    ids = ["02-tag/breaks", *(f"02-tag/a-{number}" for number in range(20))]
    results = played(ids, ["weak", "weak", "weak", "strong"])
    assert set(results) == set(ids)
    broke = results["02-tag/breaks"].get("broke", "")
    assert broke in ("", "the worker of weak ended: no engine answers\n")


def test_no_lab_left_is_an_error():
    with pytest.raises(RuntimeError, match="no worker is left, and 1 attempts are"):
        played(["02-tag/breaks", "02-tag/a"], ["weak"])
