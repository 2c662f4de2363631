"""What passes between a guest and the owner's service: over real TLS, with an owner that is made up."""

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from guests import Made, guest_of
from test_plan import NAMES, lab

from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import contexts, environment, find
from labkit.lab.access import STDERR, STDOUT, Guest, Terminal
from labkit.lab.engine import engines
from labkit.lab.guest import asking, found
from labkit.lab.lifecycle import pki
from labkit.lab.owner import operations
from labkit.lab.owner.session import begin
from labkit.lab.plan import CI, Plan
from labkit.paths import Home
from labkit.seen.observation import About, Observation
from labkit.work import answers

ADA = Plan("lab", Path("/home/owner/work"), learner="Ada", workshop="a secret seed", deadline=2**32)


@dataclass
class Sides:
    owner: Any
    access: Made
    guest: Any


@pytest.fixture
def sides(tmp_path, monkeypatch):
    """An owner's lab whose service answers, and the same lab as its guest found it."""
    access = Made()
    owner = replace(lab(tmp_path, NAMES, ADA), access=access)
    pki.make(owner.folder / "pki", owner.plan)
    return Sides(owner, access, guest_of(owner, tmp_path, monkeypatch))


@pytest.fixture
def pushing(tmp_path, monkeypatch):
    """The same with the machine `ci`."""
    access = Made()
    plan = replace(ADA, extras=(CI,))
    owner = lab(tmp_path, (*NAMES, CI), plan)
    parts = {**owner.parts, CI: replace(owner.parts[CI], role=CI)}
    owner = replace(owner, access=access, parts=parts)
    pki.make(owner.folder / "pki", owner.plan)
    return Sides(owner, access, guest_of(owner, tmp_path, monkeypatch))


def test_a_guest_finds_the_lab_and_no_more_than_it_must_know(sides):
    guest, owner = sides.guest, sides.owner
    assert guest.name == "lab"
    assert guest.parts == owner.parts
    assert guest.person == owner.person
    assert guest.plan == replace(owner.plan, work=guest.plan.work, workshop="")
    told = msgspec.json.encode(operations.told(owner)).decode()
    assert "a secret seed" not in told
    assert str(owner.plan.work) not in told
    assert guest.missing == []
    with pytest.raises(LabError, match="Only the lab's owner"):
        _ = guest.engine


def test_its_shells_are_told_that_they_are_a_guests(sides):
    told = environment.process(sides.guest)
    assert Home.of(told) == sides.guest.home
    assert told["LABKIT_GUEST"] == str(sides.guest.folder)
    assert "LABKIT_ENGINE" not in environment.variables(sides.guest)
    assert "a secret seed" not in str(environment.variables(sides.guest))


def test_the_contexts_are_written_when_machines_answer_elsewhere(sides):
    assert contexts.addresses(sides.guest.folder)["worker1"] == "tcp://127.0.0.1:1"
    sides.owner.parts["worker1"] = replace(sides.owner.parts["worker1"], port=4711)
    found.lab(sides.guest.home)
    assert contexts.addresses(sides.guest.folder)["worker1"] == "tcp://127.0.0.1:4711"


def test_an_observation_is_joined_with_what_lies_here(sides):
    from labkit.lab.looking.observe import observe

    answers.save(sides.guest.work, "06-practice", {"ci": "a"})
    seen = observe(sides.guest, ["registries", "sign_ins", "answers"])
    assert sides.access.asked == [["registries", "sign_ins", "answers"]]
    assert seen.answers == {"06-practice": {"ci": "a"}}
    assert seen.sign_ins == {"here": {}, "worker1": {}}
    with pytest.raises(LabError, match="no section 'nonsense'"):
        observe(sides.guest, ["nonsense"])


def test_a_reset_is_done_on_both_sides(sides):
    from labkit.lab.playing.reset import reset, reset_all

    said = []
    answers.save(sides.guest.work, "06-practice", {"ci": "a"})
    answers.save(sides.owner.work, "06-practice", {"ci": "b"})
    reset(sides.guest, [exercises.load("06-practice")], said.append)
    assert sides.access.asked == [["06-practice"]]
    assert said == ["resetting 06-practice", "clearing"]
    reset_all(sides.guest, said.append)
    assert sides.access.asked[-1] is None
    assert answers.load(sides.guest.work) == {}
    assert answers.load(sides.owner.work) == {"06-practice": {"ci": "b"}}
    with pytest.raises(LabError, match=r"The node is stuck\.") as failed:
        reset(sides.guest, [exercises.load("05-deploy")])
    assert failed.value.fix == "labkit up"


def test_a_command_passes_both_ways(sides):
    session = sides.guest.access.session(sides.guest, "worker1", ["cat"], Terminal(31, 101))
    assert session.read() == (STDERR, b'[["cat"], [31, 101]]')
    for number in range(500):
        session.write(b"%d" % number * 1000)
    assert b"".join(session.read()[1] for _ in range(500)) == b"".join(b"%d" % n * 1000 for n in range(500))
    session.resize(5, 6)
    assert session.read() == (STDOUT, b"5 6")
    session.end_input()
    assert session.read() == (STDOUT, b"")
    assert session.status() == 0
    session.close()
    session.close()
    interrupted = sides.guest.access.session(sides.guest, "worker1", ["cat"])
    interrupted.read()
    interrupted.signal("INT")
    assert interrupted.read() == (STDOUT, b"")
    assert interrupted.status() == 130
    interrupted.close()


def test_errors_may_overtake_the_number_of_a_commands_process():
    pieces = [(STDERR, b"err\n"), (STDOUT, b"1"), (STDERR, b"more\n"), (STDOUT, b"7\nout"), (STDOUT, b"put")]
    assert begin(lambda: pieces.pop(0)) == (17, [(STDERR, b"err\n"), (STDERR, b"more\n"), (STDOUT, b"out")])
    assert pieces == [(STDOUT, b"put")]
    for told, why in (
        ([(STDERR, b"no such file\n")], "no such file"),
        ([], "it ended at once"),
        ([(STDOUT, b"x\n")], "x"),
    ):
        pieces = [*told, (STDOUT, b"")]
        with pytest.raises(LabError, match=why):
            begin(lambda pieces=pieces: pieces.pop(0))


def test_a_command_ends_when_its_guest_is_gone(sides):
    session = sides.guest.access.session(sides.guest, "worker1", ["cat"])
    session.read()
    session.close()
    assert sides.access.sessions[-1].closed.wait(10)


def test_what_the_owner_refuses_is_told(sides):
    for machine, problem in (("edge", "Only the owner may run commands on edge"), ("worker9", "no machine 'worker9'")):
        with pytest.raises(LabError, match=problem):
            sides.guest.access.session(sides.guest, machine, ["id"])
    for request in ({}, {"command": "id"}, {"command": ["id"], "user": "root"}, ["id"]):
        with pytest.raises(LabError, match="not a command for a machine"):
            operations.session(sides.owner, "worker1", request)


REPOSITORY = "/srv/app/shop.git"


def test_a_guest_pushes_to_the_labs_repository(pushing):
    for word in ("receive-pack", "upload-pack"):
        session = pushing.guest.access.session(pushing.guest, "ci", ["git", word, REPOSITORY])
        assert session.read() == (STDERR, json.dumps([["git", word, REPOSITORY], None]).encode())
        session.write(b"\0pack")
        assert session.read() == (STDOUT, b"\0pack")
        session.close()


@pytest.mark.attack(
    "files",
    "a guest who may push to the machine ci asks for a shell there, another repository, an option of git's, a terminal",
    "Refused: only git's own side of a push or a fetch of the one repository is run, word by word",
)
@pytest.mark.parametrize(
    "command",
    [
        ["bash"],
        ["git"],
        ["git", "receive-pack"],
        ["git", "receive-pack", "/srv/trial/shop.git"],
        ["git", "receive-pack", "/srv/app/../trial/shop.git"],
        ["git", "receive-pack", f"{REPOSITORY}/"],
        ["git", "upload-pack", f"{REPOSITORY}/../../../lab/pki"],
        ["git", "upload-archive", REPOSITORY],
        ["git", "-c", "core.hooksPath=/tmp", "receive-pack", REPOSITORY],
        ["git", "--exec-path=/tmp", "receive-pack", REPOSITORY],
        ["git", "receive-pack", REPOSITORY, "x"],
        ["git receive-pack", REPOSITORY],
        ["git-receive-pack", REPOSITORY],
        ["/usr/bin/git", "receive-pack", REPOSITORY],
        ["sh", "-c", f"git receive-pack {REPOSITORY}"],
        ["env", "GIT_TRACE=/srv/app/runs/1.json", "git", "receive-pack", REPOSITORY],
    ],
    ids=" ".join,
)
def test_a_guest_runs_nothing_else_where_runs_are_kept(pushing, command):
    with pytest.raises(LabError, match="Only the owner may run commands on ci"):
        pushing.guest.access.session(pushing.guest, "ci", command)
    with pytest.raises(LabError, match="Only the owner may run commands on edge"):
        pushing.guest.access.session(pushing.guest, "edge", ["git", "receive-pack", REPOSITORY])
    assert pushing.access.sessions == []


def test_a_terminal_is_no_part_of_a_push(pushing):
    with pytest.raises(LabError, match="Only the owner may run commands on ci"):
        pushing.guest.access.session(pushing.guest, "ci", ["git", "receive-pack", REPOSITORY], Terminal(5, 5))


def test_a_guest_has_the_owner_try_a_pipeline(pushing):
    told = []
    assert pushing.guest.access.trial(pushing.guest, "10-pipeline", told.append) is True
    assert told == ["trying your pipeline"]
    assert pushing.access.asked[-1] == ("10-pipeline", ())
    assert pushing.guest.access.trial(pushing.guest, "10-pipeline", told.append, ("later",)) is False
    with pytest.raises(LabError, match="The step did not answer") as failed:
        pushing.guest.access.trial(pushing.guest, "10-pipeline", told.append, ("rotten",))
    assert failed.value.fix == "again"
    asked = len(pushing.access.asked)
    for request, why in (
        ({}, "does not say what to try"),
        ({"exercise": "10-pipeline", "user": "root"}, "does not say what to try"),
        ({"exercise": "03-push"}, "There is no such trial"),
        ({"exercise": "10-pipeline", "only": ["x"]}, "There is no such trial"),
        ({"exercise": "../../etc"}, "exercise"),
    ):
        with pytest.raises(LabError, match=why):
            operations.trial(pushing.owner, request, told.append)
    assert len(pushing.access.asked) == asked


def test_a_guest_sets_what_a_lesson_has_one_set_and_nothing_else(sides):
    desk = partial(sides.guest.access.desk, sides.guest)
    own = f"{sides.owner.person.username}/myapp"
    wishes = (
        ("POST", "/expire", {"registry": "ecr"}),
        ("GET", "/limit?registry=hub", None),
        ("POST", "/limit", {"registry": "hub", "pulls": 3}),
        ("POST", "/repository", {"registry": "hub", "repository": own, "immutable": True}),
    )
    for wish in wishes:
        assert desk(*wish) == {"told": wish[1]}
        assert sides.access.asked[-1] == wish
    asked = len(sides.access.asked)
    for method, path in (
        ("POST", "/remove"),
        ("GET", "/observation"),
        ("POST", "/forget"),
        ("GET", "/expire"),
        ("POST", "/limit/"),
    ):
        with pytest.raises(LabError, match=f"Only the owner may ask the registries for {path}"):
            desk(method, path, {"registry": "hub"})
    for repository in ("library/busybox", "myapp", f"x{own}", ""):
        with pytest.raises(LabError, match="is not yours"):
            desk("POST", "/repository", {"registry": "hub", "repository": repository, "immutable": True})
    for request in ({}, [], {"method": "POST", "path": "/expire", "user": "root"}, {"method": 1, "path": "/expire"}):
        with pytest.raises(LabError, match="not a wish for a registry"):
            operations.desk(sides.owner, request)
    assert len(sides.access.asked) == asked
    with pytest.raises(LabError, match="the limit is 9 at most"):
        desk("POST", "/limit", {"registry": "hub", "pulls": 10})


def test_only_a_guests_key_is_let_in(sides):
    from labkit.lab.engine.wire import WireError

    with pytest.raises(WireError):
        asking.get(sides.guest.access.owner, sides.owner.keys, "/lab")
    with pytest.raises(LabError, match="Your keys for the lab are missing"):
        asking.get(sides.guest.access.owner, sides.guest.folder / "nowhere", "/lab")


def test_a_guest_whose_owner_is_gone(sides):
    address = {"owner": "https://127.0.0.1:1", "lab": "lab"}
    (sides.guest.folder / asking.FILE).write_text(json.dumps(address))
    with pytest.raises(LabError, match="lab is not running"):
        find.current(sides.guest.home)
    gone = replace(sides.guest, access=Guest("https://127.0.0.1:1", sides.guest.folder))
    with pytest.raises(LabError, match="owner does not answer at"):
        gone.access.observe(gone, ["registries"])
    with pytest.raises(LabError, match="owner does not answer at"):
        gone.access.session(gone, "worker1", ["id"])
    (sides.guest.folder / asking.FILE).write_text("[]")
    with pytest.raises(LabError, match="gives no access to a lab"):
        find.current(sides.guest.home)


def test_a_guest_has_no_engine_to_look_for(sides):
    for ask in (engines.find, engines.running, lambda home: engines.ensure(home, print)):
        with pytest.raises(LabError, match="You are a guest"):
            list(ask(sides.guest.home))


def test_answers_that_the_owner_does_not_take(sides):
    from labkit.lab.looking.observe import observe

    answers.save(sides.guest.work, "06-practice", {"reflection": "x" * asking.LONGEST})
    with pytest.raises(LabError, match="Your answers are too long: together they may have 1,048,576 bytes"):
        observe(sides.guest, ["answers"])
    assert sides.access.asked == []


def test_what_is_signed_in_another_form_is_not_passed_on(sides, monkeypatch):
    """Another version of labkit on the owner's side: better told now than refused when it is graded."""
    told = {**Observation(labkit="1", content="c", lab=About(name="lab"), taken="now").data(), "unobserved": {}}
    del told["unobserved"]  # ours would write it
    told["signature"] = {"workshop": "spring", "key": "k", "value": "v"}
    monkeypatch.setattr(asking, "get", lambda *_: told)
    with pytest.raises(LabError, match="signs observations in a form that this labkit does not know"):
        sides.guest.access.observe(sides.guest, ["log"])
