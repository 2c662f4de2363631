"""Personal labs as values: each learner's own names, in every text and both ways."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, sha, solved

from labkit.content import exercises
from labkit.content.personal import Person, person
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.seen.observation import Observation, seal
from labkit.work import files as workspace


def personal(world, learner="Ada Lovelace", workshop="spring"):
    """The same lab, as that learner's: with the learner's names wherever the default's were."""
    whose = person(learner, workshop)
    data = json.loads(whose.swap(json.dumps(world.data)))
    data["lab"]["person"] = vars(whose)
    return Observation(data)


def test_the_default_lab_changes_nothing():
    assert person() == Person()
    assert person().swap("docker push myusername/myapp:v1.0.0") == "docker push myusername/myapp:v1.0.0"


def test_values_differ_by_learner_and_by_workshop_and_are_always_the_same():
    ada = person("Ada Lovelace", "spring")
    assert ada == person("Ada Lovelace", "spring")
    others = [person("Ada Lovelace", "autumn"), person("Bob", "spring"), person("ada lovelace", "spring")]
    for field in ("username", "secret"):
        assert len({getattr(one, field) for one in (ada, *others)}) == 4
    assert ada.username.startswith("adalovelace")


@given(st.text(max_size=40), st.text(max_size=40), st.text())
def test_swapping_twice_is_the_text_again(learner, workshop, text):
    from labkit.edge.grammar import NAME

    whose = person(learner, workshop)
    around = f"{text} myusername/myapp:v1.0.0 {whose.username}/x:{whose.version} {text}"
    assert whose.swap(whose.swap(around)) == around
    assert NAME.fullmatch(whose.username)


def test_solved_with_the_learners_names_passes_and_shows_them():
    report = grade([exercises.load(slug) for slug in exercises.slugs()[:5]], personal(solved()))
    assert report.exit_code == 0
    ada = person("Ada Lovelace", "spring")
    assert f"{ada.username}/myapp:{ada.version}" in report.text()
    assert "myusername" not in report.text()


def test_solved_with_the_default_names_does_not_pass():
    data = solved().data
    data["lab"]["person"] = vars(person("Ada Lovelace", "spring"))
    report = grade([exercises.load("02-tag"), exercises.load("03-push")], Observation(data))
    assert sum(one.earned for one in report.exercises) == 0
    assert report.exercises[0].checks[0].diagnosis in ("tag-other-namespace", "tag-none", "tag-typo")


def test_another_learners_image_is_recognised():
    ada, bob = person("Ada Lovelace", "spring"), person("Bob", "spring")
    for label, diagnosis in (
        ({"lab.secret": ada.secret}, ""),
        ({"lab.secret": bob.secret}, "build-foreign"),
        ({}, "build-foreign"),
    ):
        world = World().image("workstation", "mine", ["myusername/webapp:v1.0.0"], labels=label)
        checks = grade([exercises.load("06-practice")], personal(world)).exercises[0].checks
        assert checks[0].diagnosis == diagnosis
        digest = world.hold("myusername/webapp", "v1.0.0", name="mine", labels=label)
        assert digest == sha("manifest of mine")
        checks = grade([exercises.load("06-practice")], personal(world)).exercises[0].checks
        assert checks[2].diagnosis == diagnosis


def test_a_copied_observation_is_recognised(tmp_path):
    from labkit import session

    file = tmp_path / "o.json"
    file.write_text(personal(solved()).dump())
    assert session.regraded(["01"], file, "Ada Lovelace", "spring").exit_code == 0
    for learner, workshop in (("Bob", "spring"), ("Ada Lovelace", "autumn")):
        with pytest.raises(LabError, match="it is of Ada Lovelace"):
            session.regraded(["01"], file, learner, workshop)
    file.write_text(solved().observation.dump())
    with pytest.raises(LabError, match="without a learner's name"):
        session.regraded(["01"], file, "Bob")


def test_an_observation_that_was_changed_by_hand_is_refused():
    data = json.loads(World().observation.dump())
    Observation.parse(json.dumps(data))
    data["log"].append({"seq": 1})
    data["log"].clear()
    Observation.parse(json.dumps(data))
    data["sign_ins"]["here"] = ["https://index.docker.io/v1/"]
    with pytest.raises(LabError, match="its seal does not fit"):
        Observation.parse(json.dumps(data))
    data["seal"] = seal(data)
    Observation.parse(json.dumps(data))


def test_notebooks_show_the_learners_own_values(tmp_path):
    ada = person("Ada Lovelace", "spring")
    workspace.prepare(tmp_path / "ada", ada)
    workspace.prepare(tmp_path / "all")
    text = "".join(one.read_text() for one in (tmp_path / "ada").glob("*.ipynb"))
    assert f"docker push {ada.username}/myapp:{ada.version}" in text
    assert f"LABEL lab.secret={ada.secret}" in text
    assert "myusername" not in text
    for one in (tmp_path / "ada").glob("*.ipynb"):
        json.loads(one.read_text())
    assert "lab.secret" not in "".join(one.read_text() for one in (tmp_path / "all").glob("*.ipynb"))
