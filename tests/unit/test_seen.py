"""What was seen, as a value: references, sections, versions, what of a sign-in is told."""

import base64
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, sha, solved

from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.lab.looking.sign_ins import kept
from labkit.seen import observation as observations
from labkit.seen import reference
from labkit.seen.lab import NotAsked, Unobserved
from labkit.seen.observation import Observation, sections
from labkit.seen.person import Person
from labkit.seen.reference import NoReference, Reference

STORED = Path(__file__).parents[1] / "observations"
D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "parts", "shown"),
    [
        ("busybox", ("docker.io", "library/busybox", "", ""), "busybox"),
        ("busybox:1.35", ("docker.io", "library/busybox", "1.35", ""), "busybox:1.35"),
        ("library/busybox", ("docker.io", "library/busybox", "", ""), "busybox"),
        ("docker.io/busybox", ("docker.io", "library/busybox", "", ""), "busybox"),
        ("index.docker.io/me/app:v1", ("docker.io", "me/app", "v1", ""), "me/app:v1"),
        ("me/app", ("docker.io", "me/app", "", ""), "me/app"),
        (f"me/app@{D}", ("docker.io", "me/app", "", D), f"me/app@{D}"),
        (f"me/app:v1@{D}", ("docker.io", "me/app", "v1", D), f"me/app:v1@{D}"),
        ("registry.lab:5000/team/app:v1", ("registry.lab:5000", "team/app", "v1", ""), "registry.lab:5000/team/app:v1"),
        ("REGISTRY.LAB:5000/app", ("registry.lab:5000", "app", "", ""), "registry.lab:5000/app"),
        ("localhost/app", ("localhost", "app", "", ""), "localhost/app"),
        ("localhost:5000/app:v1", ("localhost:5000", "app", "v1", ""), "localhost:5000/app:v1"),
        ("ghcr.io/owner/app", ("ghcr.io", "owner/app", "", ""), "ghcr.io/owner/app"),
        ("a/b/c", ("docker.io", "a/b/c", "", ""), "a/b/c"),
        ("me/a-b__c.d", ("docker.io", "me/a-b__c.d", "", ""), "me/a-b__c.d"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text, parts, shown):
    found = Reference.parse(text)
    assert (found.registry, found.repository, found.tag, found.digest) == parts
    assert str(found) == shown
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", "me/App", "me//app", "app:", "app:v 1", "app:-v", "app:" + "x" * 129, "x" * 256, "app@sha256:12", "/app", "app/",
     "a" * 64, "app:v1\n", "<b>", "me/app:v1:v2", "app@", "a-b__c.d/e",
        "bad_host.io:x/app", "app:é"],
)  # fmt: skip
def test_what_docker_refuses_is_no_reference(text):
    with pytest.raises(NoReference):
        Reference.parse(text)
    assert reference.parse(text) is None


@given(st.text(max_size=80))
def test_any_text_is_a_reference_or_none(text):
    found = reference.parse(text)
    assert found is None or Reference.parse(str(found)) == found


def test_references_are_compared_by_what_they_mean():
    short, long = Reference.parse("busybox"), Reference.parse("docker.io/library/busybox:latest")
    assert short != long
    assert short.same_tag(long)
    assert not short.same_tag(long.at(D))
    assert short.at(D).same_repository(long)
    assert not Reference.parse("me/app:v1").same_tag(Reference.parse("registry.lab:5000/me/app:v1"))


def test_a_person_names_an_image():
    assert str(Person().image("myapp")) == "myusername/myapp:v1.0.0"
    assert str(Person(learner="Ada", username="ada1", version="v2.3.4").image("webapp")) == "ada1/webapp:v2.3.4"


def test_a_section_that_was_not_asked_for_is_not_there():
    world = World()
    world.data["swarm"] = None
    with pytest.raises(NotAsked, match='add "swarm" to `sees`'):
        _ = world.lab.swarm
    with pytest.raises(Unobserved, match="it is exited"):
        _ = World().gap("swarm").lab.swarm
    with pytest.raises(Unobserved, match="has no machine worker9"):
        World().lab.engine("worker9")
    with pytest.raises(Unobserved, match=r"has no registry ghcr\.io"):
        World().lab.registry_of(Reference.parse("ghcr.io/me/app"))


def test_each_exercise_sees_what_it_needs_and_no_more():
    """With only its own sections a solved exercise passes; without any one of them it breaks, solved or not."""
    for exercise in [exercises.load(slug) for slug in exercises.slugs()[:5]]:
        others = dict.fromkeys(name for name in sections() if name not in exercise.sees)
        worlds = [msgspec.structs.replace(world.observation, **others) for world in (solved(), World())]
        assert [grade([exercise], seen).exit_code for seen in worlds] == [0, 1], exercise.slug
        for name in exercise.sees:
            codes = {grade([exercise], msgspec.structs.replace(seen, **{name: None})).exit_code for seen in worlds}
            assert 2 in codes, (exercise.slug, name)


def test_a_registry_answers_to_each_of_its_hosts():
    lab = World().lab
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert lab.registry_at(host).title == "Docker Hub"
    for host in ("registry.lab:5000", "REGISTRY.LAB:5000", "registry.lab"):
        assert lab.registry_at(host).title == "registry.lab:5000"
    assert lab.registry_at("ghcr.io") is None


def test_referrers_and_untagged_manifests_are_found():
    world = World()
    digest = world.hold("me/app", "v1")
    world.manifests[sha("signature")] = {"kind": "artifact", "subject": digest, "artifact_type": "application/sig"}
    world.data["store"] = {
        "revisions": {"hub": {"me/app": [digest, sha("old")]}},
        "manifests": {},
        "blobs": {},
        "garbage": {"digests": [], "size": 0},
        "garbage_untagged": {"digests": [sha("old")], "size": 7},
    }
    lab = world.lab
    assert list(lab.registries["hub"].referrers(digest)) == [sha("signature")]
    assert lab.store.untagged("hub", "me/app", lab.registries["hub"].repositories["me/app"]) == [sha("old")]


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["schema-1", "schema-1-personal"])
def test_a_stored_observation_of_schema_1_is_upgraded_and_graded(name):
    text = (STORED / f"{name}.json").read_text()
    assert json.loads(text)["schema"] == 1
    seen = Observation.parse(text)
    assert seen.schema == observations.SCHEMA
    then = json.loads((STORED / f"{name}.report.json").read_text())["exercises"]
    there_were = [exercises.load(one["slug"]) for one in then]
    told = grade(there_were, seen).to_json()["exercises"]
    for now, before in zip(told, then, strict=True):
        verdicts = [(check["id"], check["outcome"], check["diagnosis"]) for check in now["checks"]]
        assert verdicts == [(check["id"], check["outcome"], check["diagnosis"]) for check in before["checks"]]
    assert {one["slug"] for one in told if one["earned"] == one["points"]} >= {
        "01-login",
        "02-tag",
        "03-push",
        "05-deploy",
    }


@pytest.mark.parametrize("schema", [0, 99, "1", None, True, 1.0])
def test_a_schema_that_is_not_known_is_refused_with_the_reason(schema):
    with pytest.raises(LabError, match="this labkit can read 1 to 2"):
        Observation.parse(json.dumps({"schema": schema}))


def change(data, path, value):
    *way, last = path
    for key in way:
        data = data[key]
    data[last] = value


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("engines",), 7, r"\$\.engines"),
        (("engines", "workstation", "images", 0, "tags"), None, r"\$\.engines\[\.\.\.\]\.images\[0\]\.tags"),
        (("log", "events"), {"seq": 1}, r"\$\.log\.events"),
        (("surprise",), 1, "unknown field `surprise`"),
        (("swarm", "services"), {"x": {}}, "missing required field"),
    ],
)
def test_a_damaged_observation_says_where(path, value, where):
    data = json.loads(solved().observation.dump())
    change(data, path, value)
    with pytest.raises(LabError, match=f"damaged: .*{where}"):
        Observation.parse(json.dumps(data))


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"a": 1}', '{"schema": 1}', '{"schema": 1, "nodes": 7}', "[" * 100_000]
)
def test_what_is_no_observation_is_told(text):
    with pytest.raises(LabError, match=r"This (is not an observation|observation is damaged)"):
        Observation.parse(text)


def test_the_way_through_json_changes_nothing():
    seen = solved().observation
    again = Observation.parse(seen.dump())
    assert again == seen
    every = exercises.every()
    assert grade(every, again).to_json() == grade(every, seen).to_json()


# ── sign-ins ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def auth(user):
    return {"auth": base64.b64encode(f"{user}:secret".encode()).decode()}


def test_sign_ins_are_told_by_account_and_never_with_their_secret():
    def told(config):
        return kept(config, Person(learner="Ada", username="ada1"))

    assert told({"auths": {"a": auth("ada1"), "nobody.registry.lab": {}, "b": {}}}) == {"a": "ada1"}
    assert told({"auths": {"a": auth("colleague")}}) == {"a": "colleague"}
    assert told({"auths": {"a": auth("AWS")}}) == {"a": "AWS"}
    assert told({"auths": {"a": auth("my-real-password")}}) == {"a": "?"}
    assert told({"auths": {"a": {"auth": "no base64"}}}) == {"a": "?"}
    assert told({"auths": {"a": {"identitytoken": "x", "username": "ada1"}}}) == {"a": "ada1"}
    assert told({"auths": {"b": {}, "nobody.registry.lab": {}}, "credsStore": "pass"}) == {"b": ""}
    assert told({"credHelpers": {"c": "pass"}}) == {"c": ""}
    for odd in ({"auths": ["x"], "credHelpers": 3}, {}, [], None, {"auths": {"a": 7}}):
        assert told(odd) == {}
