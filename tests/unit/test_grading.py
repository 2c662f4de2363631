"""Checks and grading on observations made by hand."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from world import MACHINES, SWARM, World, at, sha, solved

import labkit
from labkit.content import exercises
from labkit.content.check import fail
from labkit.grading.grade import grade, grade_one
from labkit.grading.report import Outcome

ROOT = Path(labkit.__file__).parents[1]
GUIDED = ["01-login", "02-tag", "03-push", "04-pull", "05-deploy"]


def judged(slug, world):
    """{check: (outcome, diagnosis)}"""
    result = grade_one(exercises.load(slug), world.observation)
    return {one.id: (one.outcome.value, one.diagnosis) for one in result.checks}


def first(slug, world):
    """The first diagnosis."""
    return next((diagnosis for _, diagnosis in judged(slug, world).values() if diagnosis), None)


def test_as_printed_everything_passes():
    report = grade([exercises.load(slug) for slug in GUIDED], solved().observation)
    assert report.exit_code == 0
    assert all(one.done for one in report.exercises)
    assert "--password-stdin" in report.exercises[0].checks[0].message


def test_at_the_start_nothing_passes_and_nothing_breaks():
    report = grade(exercises.every(), World().observation)
    outcomes = {check.outcome for one in report.exercises for check in one.checks}
    assert outcomes == {Outcome.NOT_YET, Outcome.BLOCKED}
    assert report.exit_code == 1
    assert sum(one.earned for one in report.exercises) == 0


@pytest.mark.parametrize("part", ["engines/workstation", "swarm", "registries", "log"])
def test_what_could_not_be_seen_is_an_error_and_never_the_learners(part):
    world = solved().gap(part)
    report = grade([exercises.load(slug) for slug in GUIDED], world.observation)
    outcomes = [check.outcome for one in report.exercises for check in one.checks]
    assert Outcome.ERROR in outcomes
    assert Outcome.NOT_YET not in outcomes
    assert report.exit_code == 2


@pytest.mark.parametrize(
    ("slug", "change", "diagnosis"),
    [
        ("01-login", lambda w: w.log("login", status=401, reason="wrong-password"), "login-wrong-password"),
        ("01-login", lambda w: w.log("login", status=401, reason="unknown-user", user="x"), "login-unknown-user"),
        ("01-login", lambda w: w.sign_in("private"), "login-other-registry"),
        ("01-login", lambda w: w.sign_in(keep=False), "login-lost"),
        ("01-login", lambda w: w.sign_in(user="colleague"), "login-other-account"),
        ("01-login", lambda w: w.sign_in().sign_in(user="colleague"), "login-other-account"),
        ("01-login", lambda w: w.sign_in().sign_in(user="?"), "login-other-account"),
        ("01-login", lambda w: w.sign_in().mark("01-login"), "login-none"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myapp:v1.0.0"]), "tag-no-namespace"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myusername/myapp:V1.0.0"]), "tag-other-version"),
        ("02-tag", lambda w: w.image("workstation", "app", ["other/myapp:v1.0.0"]), "tag-other-namespace"),
        ("02-tag", lambda w: w.image("workstation", "app", ["x.io/myusername/myapp:v1.0.0"]), "tag-other-registry"),
        ("02-tag", lambda w: w.image("workstation", "app", ["myusernme/myapp:v1.0.0"]), "tag-typo"),
        ("02-tag", lambda w: w.image("workstation", "bb", ["myusername/myapp:v1.0.0"]), "tag-other-image"),
        ("03-push", lambda w: w.hold("myusername/myapp", "latest"), "push-latest-only"),
        ("03-push", lambda w: w.hold("myusername/myapp", "1.0.0"), "push-other-tag"),
        ("03-push", lambda w: w.hold("myusername/myap", "v1.0.0"), "push-typo"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", registry="private"), "push-other-registry"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", kind="artifact"), "push-not-image"),
        ("03-push", lambda w: w.hold("myusername/myapp", "v1.0.0", name="bb", labels={}), "push-other-image"),
        (
            "03-push",
            lambda w: w.log("push", status=401, user=None, repository="myusername/myapp"),
            "push-not-signed-in",
        ),
        ("03-push", lambda w: w.log("push", status=401, repository="other/myapp"), "push-other-namespace"),
        ("03-push", lambda w: w.log("push", status=401, repository="library/myapp"), "push-no-namespace"),
    ],
)
def test_each_mistake_is_told(slug, change, diagnosis):
    world = World()
    change(world)
    assert first(slug, world) == diagnosis


def test_the_registry_moved_on_after_the_push():
    world = solved()
    world.hold("myusername/myapp", "v1.0.0", name="changed")
    assert first("03-push", world) == "push-stale"
    assert first("04-pull", world) == "pull-outdated"
    assert first("05-deploy", world) == "service-old-digest"


def test_a_pull_is_told_from_what_looks_like_one():
    world = solved()
    world.data["log"]["events"] = []
    assert first("04-pull", world) == "pull-none"
    world.pull(agent=SWARM, user=None)
    assert first("04-pull", world) == "pull-by-swarm"
    digest = world.digest()
    # What `docker service create` asks: the manifest, and then the config alone, without an account.
    world.pull(user=None).log("blob", user=None, repository="myusername/myapp", digest=sha("app"))
    assert first("04-pull", world) == "pull-by-swarm"
    world.pull(user=None)
    assert judged("04-pull", world)["pulled"] == ("passed", "")
    world.mark("04-pull")
    assert first("04-pull", world) == "pull-none"
    world.log("pull", repository="myusername/myapp", reference=digest, digest=digest)
    assert judged("04-pull", world)["pulled"] == ("passed", "")


@pytest.mark.parametrize(
    ("tasks", "outcome", "diagnosis"),
    [
        ([(1, "running", {}), (2, "running", {}), (3, "preparing", {})], "converging", ""),
        ([(1, "pending", {"error": "no suitable node (1 node drained)"})], "not_yet", "task-no-node"),
        ([(1, "rejected", {"error": "No such image: x"})], "not_yet", "task-image-missing"),
        ([(1, "rejected", {"error": "invalid mount config"})], "not_yet", "task-failed"),
        ([(1, "failed", {"error": "task: non-zero exit (3)", "exit_code": 3, "lived": 1})], "not_yet", "task-crashing"),
        ([(1, "complete", {"exit_code": 0, "lived": 1})], "not_yet", "task-crashing"),
        # A machine was restarted: its engine found the container dead, and the Swarm is making another one.
        (
            [(1, "failed", {"error": "task: non-zero exit (255)", "exit_code": 255, "lived": 2}), (1, "ready", {})],
            "converging",
            "",
        ),
        # Killed soon after its start: once is an accident, twice in the same place is not.
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 2}), (1, "ready", {})],
            "converging",
            "",
        ),
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 2})] * 2 + [(1, "ready", {})],
            "not_yet",
            "task-crashing",
        ),
        # Killed by hand after a while; replaced.
        (
            [(1, "failed", {"error": "non-zero exit (137)", "exit_code": 137, "lived": 50}), (1, "starting", {})],
            "converging",
            "",
        ),
        ([], "converging", ""),
    ],
)
def test_converging_is_told_from_what_cannot_get_better(tasks, outcome, diagnosis):
    world = solved()
    world.services["myapp"]["tasks"] = []
    for slot, state, changes in tasks:
        world.task(slot, state, **changes)
    assert judged("05-deploy", world)["running"] == (outcome, diagnosis)


def test_right_but_different_services():
    world = solved()
    digest = world.digest()
    spec = world.services["myapp"]
    for image in (
        f"myusername/myapp@{digest}",
        f"docker.io/myusername/myapp:v1.0.0@{digest}",
        "myusername/myapp:v1.0.0",
    ):
        spec["image"] = image
        for task in spec["tasks"]:
            task["image"] = image
        assert {outcome for outcome, _ in judged("05-deploy", world).values()} == {"passed"}, image
    spec |= {"mode": "Global", "replicas": None}
    assert {outcome for outcome, _ in judged("05-deploy", world).values()} == {"passed"}
    spec["constraints"] = ["node.role==worker"]
    assert first("05-deploy", world) == "service-replicas"


def test_an_index_counts_as_the_image_it_holds():
    world = World()
    child = world.hold("myusername/myapp", "amd64")
    index = sha("index")
    world.manifests[index] = {"kind": "index", "manifests": [child, sha("arm")]}
    world.repositories()["myusername/myapp"] = {"v1.0.0": index}
    world.log("push", repository="myusername/myapp", reference="v1.0.0", digest=index)
    world.image("workstation", "app", ["myusername/myapp:v1.0.0"])
    assert {outcome for outcome, _ in judged("03-push", world).values()} == {"passed"}


def test_a_blocked_check_says_what_comes_first():
    result = grade_one(exercises.load("01-login"), World().observation)
    assert result.checks[1].message == "First: “Docker Hub accepted your sign-in as myusername.”"


def test_a_check_that_breaks_costs_no_points(monkeypatch):
    exercise = exercises.load("02-tag")
    broken = replace(exercise.checks[0], judge=lambda lab: 1 / 0)
    result = grade_one(replace(exercise, checks=(broken,)), solved().observation)
    assert result.checks[0].outcome is Outcome.ERROR
    assert "The check itself broke: ZeroDivisionError" in result.checks[0].message
    assert re.search(r"test_grading\.py, line \d+\)$", result.checks[0].message), "its author is told where"
    assert result.earned == 0


def test_a_value_that_a_sentence_needs_and_the_check_does_not_give_is_an_error():
    exercise = exercises.load("02-tag")

    def careless(lab):
        fail("tag-other-version", expected="x", found="y")

    result = grade_one(replace(exercise, checks=(replace(exercise.checks[0], judge=careless),)), World().observation)
    assert result.checks[0].outcome is Outcome.ERROR
    assert "names {repository}" in result.checks[0].message


def test_messages_are_short_and_whole():
    world = World()
    for number in range(500):
        world.hold("myusername/myapp", f"x{number}")
    check = grade_one(exercises.load("03-push"), world.observation).checks[0]
    assert check.diagnosis == "push-other-tag"
    assert len(check.message) < 300
    assert check.found.count(",") == 499


# ── judged right where it looks wrong, and wrong where it looks right ────────────────────────────────────────────────


@pytest.mark.parametrize("state", ["rollback_completed", "completed", "rollback_started", "paused"])
def test_three_running_tasks_are_right_whatever_the_last_update_was(state):
    world = solved()
    world.services["myapp"] |= {"update_state": state, "update_message": "rollback completed"}
    assert judged("05-deploy", world)["running"] == ("passed", "")


def test_an_update_that_paused_halfway_is_told():
    world = solved()
    world.services["myapp"] |= {
        "update_state": "paused",
        "update_message": "update paused due to failure",
        "spec": "new",
    }
    assert judged("05-deploy", world)["running"] == ("not_yet", "service-paused")


def history(lifetimes, age, exit_code=1, error="task: non-zero exit (1)", newest="running"):
    """Three tasks; in the first one's place others lived before it, each so many seconds, and it now runs for `age`."""
    world = solved()
    tasks = world.services["myapp"]["tasks"]
    tasks.clear()
    born = 0
    for lived in lifetimes:
        world.task(
            1, "failed", error=error, exit_code=exit_code, desired="shutdown", created=at(born), since=at(born + lived)
        )
        born += lived + 5
    world.task(1, newest, created=at(born), since=at(3600 - age))
    for slot in (2, 3):
        world.task(slot, node=MACHINES[slot - 1], created=at(0), since=at(1))
    return judged("05-deploy", world)["running"]


@pytest.mark.parametrize(
    ("lifetimes", "age", "options", "verdict"),
    [
        ([12, 12], 5, {}, ("not_yet", "task-crashing")),  # ends every twelve seconds, and just now it runs
        ([12, 12, 13, 12], 20, {}, ("not_yet", "task-crashing")),
        ([300, 300], 200, {}, ("not_yet", "task-crashing")),  # every five minutes
        ([12, 12], 25, {}, ("passed", "")),  # it outlived them twice over: what was wrong is over
        ([12], 5, {}, ("converging", "")),  # once may be chance: wait and see
        ([12], 30, {}, ("passed", "")),
        ([900], 70, {}, ("passed", "")),  # one end after a long time is forgotten
        ([1], 1, {}, ("not_yet", "task-crashing")),
        ([12, 12], 5, {"exit_code": 0, "error": ""}, ("not_yet", "task-crashing")),
        ([50], 2, {"exit_code": 137}, ("passed", "")),  # killed by hand
        ([2], 2, {"exit_code": 255}, ("passed", "")),  # its machine was restarted
        ([12, 12, 12], 3, {"exit_code": 137}, ("not_yet", "task-crashing")),  # kills itself every twelve seconds
        (
            [30, 30],
            3,
            {"exit_code": 0, "error": "task: non-zero exit (0): unhealthy container"},
            ("not_yet", "task-unhealthy"),
        ),
        ([30, 30], 3, {"exit_code": 137, "error": "dockerexec: unhealthy container"}, ("not_yet", "task-unhealthy")),
        ([30], 0, {"newest": "preparing"}, ("converging", "")),
        ([30, 30], 0, {"newest": "preparing"}, ("not_yet", "task-crashing")),
    ],
)
def test_tasks_are_judged_by_their_history(lifetimes, age, options, verdict):
    assert history(lifetimes, age, **options) == verdict


def test_a_health_check_is_named_where_the_app_ended_well_when_it_was_told_to():
    world = solved()
    ended = {"error": "", "exit_code": 0, "desired": "shutdown"}
    world.task(1, "complete", lived=30, **ended).task(1, "complete", lived=30, **ended).task(1, "starting")
    sick = world.services["myapp"]["tasks"][-2]["id"]
    assert judged("05-deploy", world)["running"] == ("not_yet", "task-crashing")
    container = {"name": "x", "image": "x", "state": "exited", "service": "myapp", "task": sick, "unhealthy": False}
    world.data["engines"]["worker1"]["containers"].append(container)
    assert judged("05-deploy", world)["running"] == ("not_yet", "task-crashing")
    container["unhealthy"] = True
    assert judged("05-deploy", world)["running"] == ("not_yet", "task-unhealthy")
    world.gap("engines/worker2")  # a machine that does not answer hides nothing of what the others hold
    assert judged("05-deploy", world)["running"] == ("not_yet", "task-unhealthy")


def test_tasks_that_could_not_start_before_are_forgotten_once_they_run():
    world = solved()
    tasks = world.services["myapp"]["tasks"]
    for slot in (1, 2, 3):
        world.task(slot, "rejected", error="No such image: myusername/myapp:v1.0.0", desired="shutdown", lived=1)
    for task in tasks[:3]:
        task |= {"created": at(600), "since": at(601)}
    assert judged("05-deploy", world)["running"] == ("passed", "")


def test_a_task_that_ended_and_is_not_started_again_is_told():
    world = solved()
    world.services["myapp"]["tasks"][0] |= {"state": "complete", "desired": "shutdown", "exit_code": 0}
    assert judged("05-deploy", world)["running"] == ("not_yet", "task-crashing")


@pytest.mark.parametrize("how", ["built", "by the Swarm"])
def test_what_was_pulled_must_be_what_the_registry_has_now(how):
    world = solved()  # pulled
    world.hold("myusername/myapp", "v1.0.0", name="new")  # pushed again, by another machine
    digest = world.digest()
    if how == "by the Swarm":
        world.log("pull", agent=SWARM, user=None, repository="myusername/myapp", reference=digest, digest=digest)
    world.image("workstation", "new", ["myusername/myapp:v1.0.0"], digests=[f"myusername/myapp@{digest}"])
    assert judged("04-pull", world) == {"pulled": ("passed", ""), "present": ("not_yet", "pull-outdated")}
    world.pull()
    assert judged("04-pull", world)["present"] == ("passed", "")


def test_sentences_speak_of_the_exercise_at_hand():
    world = World().image("workstation", "mine", ["myusername/webapp:1.0.0"])
    check = grade_one(exercises.load("06-practice"), world.observation).checks[1]
    assert (
        check.message
        == "The workstation has myusername/webapp, but with another tag: myusername/webapp:1.0.0. Next: tag it v1.0.0."
    )


def test_a_report_names_who_saw_and_who_graded():
    world = solved()
    world.data |= {"labkit": "0.0.9", "content": "of-then"}
    report = grade(exercises.every(), world.observation).to_json()
    assert report["seen_by"] == {"labkit": "0.0.9", "content": "of-then", "learner": "", "signed_by": ""}
    assert report["graded_by"] == {"labkit": labkit.__version__, "content": exercises.version()}


@pytest.mark.parametrize("file", ["labkit/content/facts/tasks.py", "labkit/content/quiz.py", "labkit/seen/registries.py", "labkit/grading/grade.py", "labkit/content/diagnoses/en.toml"])  # fmt: skip
def test_the_content_is_another_one_when_a_file_that_judges_changes(file, monkeypatch):
    before = exercises.version()
    changed = ROOT / file
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + (b"#" if path == changed else b""))
    exercises.version.cache_clear()
    try:
        assert exercises.version() != before
    finally:
        monkeypatch.undo()
        exercises.version.cache_clear()


def test_a_pull_by_digest_is_not_taken_for_the_tag_that_was_looked_at_before_the_exercise_began():
    world = solved()
    digest = world.digest()
    world.hold("myusername/myapp", "v2")
    world.log("head", repository="myusername/myapp", reference="v2", digest=digest).mark("04-pull")
    world.log("pull", repository="myusername/myapp", reference=digest, digest=digest)
    assert judged("04-pull", world)["pulled"] == ("passed", "")
