"""Personal labs as values: each learner's own names, in every text of the lesson's, and never in what was observed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, personal, sha, solved, solved_by

from labkit.content import exercises
from labkit.content.personal import person
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.seen.observation import Observation, seal
from labkit.seen.person import Person
from labkit.work import files

ADA = person("Ada Lovelace", "spring")


def test_the_default_lab_changes_nothing():
    assert person() == Person()
    assert person().personal("docker push myusername/myapp:v1.0.0") == "docker push myusername/myapp:v1.0.0"


def test_values_differ_by_learner_and_by_workshop_and_are_always_the_same():
    assert person("Ada Lovelace", "spring") == ADA
    others = [person("Ada Lovelace", "autumn"), person("Bob", "spring"), person("ada lovelace", "spring")]
    for field in ("username", "secret"):
        assert len({getattr(whose, field) for whose in (ADA, *others)}) == 4
    assert ADA.username.startswith("adalovelace")


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_learners_values_make_a_name_that_a_registry_takes(learner, workshop):
    whose = person(learner, workshop)
    assert str(whose.image("myapp")) == f"{whose.username}/myapp:{whose.version}"
    text = whose.personal("docker push myusername/myapp:v1.0.0")
    assert text == f"docker push {whose.image('myapp')}"


def test_solved_with_the_learners_names_passes_and_shows_them():
    report = grade([exercises.load(slug) for slug in exercises.slugs()[:5]], solved_by(ADA))
    assert report.exit_code == 0, report.text()
    assert f"{ADA.username}/myapp:{ADA.version}" in report.text()
    assert "myusername" not in report.text()


def test_solved_with_the_default_names_does_not_pass():
    report = grade([exercises.load("02-tag"), exercises.load("03-push")], personal(solved(), ADA))
    assert sum(one.earned for one in report.exercises) == 0
    assert report.exercises[0].checks[0].diagnosis in (
        "tag-other-namespace",
        "tag-none",
        "tag-typo",
        "tag-other-version",
    )


def test_what_was_found_is_told_as_it_is():
    world = World()
    for tag in ("v1.0.0", "v1.0.1", "v1.0"):
        world.hold(f"{ADA.username}/myapp", tag)
    check = grade([exercises.load("03-push")], personal(world, ADA)).exercises[0].checks[0]
    assert check.found == "v1.0, v1.0.0, v1.0.1"
    assert check.expected == ADA.version
    assert "v1.0, v1.0.0, v1.0.1" in check.message


def test_another_learners_image_is_recognised():
    bob = person("Bob", "spring")
    name = f"{ADA.username}/webapp:{ADA.version}"
    for label, diagnosis in (
        ({"lab.secret": ADA.secret}, ""),
        ({"lab.secret": bob.secret}, "build-foreign"),
        ({}, "build-foreign"),
    ):
        world = World().image("workstation", "mine", [name], labels=label)
        checks = grade([exercises.load("06-practice")], personal(world, ADA)).exercises[0].checks
        assert checks[0].diagnosis == diagnosis
        digest = world.hold(f"{ADA.username}/webapp", ADA.version, name="mine", labels=label)
        assert digest == sha("manifest of mine")
        checks = grade([exercises.load("06-practice")], personal(world, ADA)).exercises[0].checks
        assert checks[2].diagnosis == diagnosis


def test_a_copied_observation_is_recognised(tmp_path):
    from labkit import session

    file = tmp_path / "o.json"
    file.write_text(solved_by(ADA).dump())
    assert session.regraded(["01"], file, session.Asked("Ada Lovelace", "spring")).exit_code == 0
    for learner, workshop in (("Bob", "spring"), ("Ada Lovelace", "autumn")):
        with pytest.raises(LabError, match="It is from Ada Lovelace"):
            session.regraded(["01"], file, session.Asked(learner, workshop))
    file.write_text(solved().observation.dump())
    with pytest.raises(LabError, match="without a learner's name"):
        session.regraded(["01"], file, session.Asked("Bob"))


def test_an_observation_that_was_changed_by_hand_is_refused():
    data = json.loads(World().observation.dump())
    Observation.parse(json.dumps(data))
    data["sign_ins"]["here"] = {"https://index.docker.io/v1/": "myusername"}
    with pytest.raises(LabError, match="its seal does not match"):
        Observation.parse(json.dumps(data))
    data["seal"] = seal(data)
    Observation.parse(json.dumps(data))


def test_notebooks_show_the_learners_own_values(tmp_path):
    files.prepare(tmp_path / "ada", ADA)
    files.prepare(tmp_path / "all")
    text = "".join(one.read_text() for one in (tmp_path / "ada").glob("*.ipynb"))
    assert f"docker push {ADA.username}/myapp:{ADA.version}" in text
    assert f"LABEL lab.secret={ADA.secret}" in text
    assert "myusername" not in text
    for one in (tmp_path / "ada").glob("*.ipynb"):
        json.loads(one.read_text())
    assert "lab.secret" not in "".join(one.read_text() for one in (tmp_path / "all").glob("*.ipynb"))
