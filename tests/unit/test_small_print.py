"""The small print of what judges: each sentence whole, and what the corpus does not bring about. bench/mutation.py finds what is
missing here."""

import json

import pytest
from world import HUB, PRIVATE, SWARM, World, at, sha, solved

from labkit.content import exercises, facts, quiz
from labkit.content.check import Check, Converging, NotYet, fail
from labkit.content.diagnoses import Diagnosis
from labkit.content.facts import words
from labkit.content.scope import Scope
from labkit.grading import grade as grading
from labkit.grading.report import Outcome
from labkit.seen.engines import Engine, Image
from labkit.seen.lab import Unobserved
from labkit.seen.person import Person
from labkit.seen.reference import NoReference, Reference
from labkit.seen.registries import Manifest, Registry

D, E, F = (f"sha256:{letter * 64}" for letter in "def")
WANTED = Reference.parse("myusername/myapp:v1.0.0")
SHORT = sha("manifest of app")[:19]


def scope(world, slug="04-pull"):
    return Scope(world.observation, slug)


def failure(judge, *arguments):
    """(diagnosis, expected, found, other values) of a fact that does not hold."""
    with pytest.raises(NotYet) as caught:
        judge(*arguments)
    return caught.value


def said(judge, *arguments):
    """(diagnosis, what was found)"""
    miss = failure(judge, *arguments)
    return miss.diagnosis, miss.found


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * 64, f"'{'a' * 64}' is an image's ID, not a name"),
        ("app@sha256:12", "'sha256:12' is not a digest"),
        ("app:v 1", "'v 1' is not a tag"),
        ("bad_host.io/app", "'bad_host.io' is not a registry's address"),
        ("me/App", "'me/App' is not a valid repository name"),
        ("a/" + "b" * 244, "the name has more than 255 characters"),
    ],
)
def test_what_is_no_name_says_why(text, why):
    with pytest.raises(NoReference) as caught:
        Reference.parse(text)
    assert str(caught.value) == why


def test_names_at_their_limits():
    assert Reference.parse("a/" + "b" * 243).repository == "a/" + "b" * 243
    assert Reference.parse("my.app").repository == "library/my.app"
    assert Reference.parse("REG/app").registry == "reg"
    assert Reference("docker.io", "library").name == "library"
    assert [Reference("docker.io", name).namespace for name in ("app", "me/app")] == ["", "me"]
    assert WANTED.at(D).version == ""
    assert WANTED.at(D).full == f"myusername/myapp@{D}"
    assert Reference.parse("me/app").full == "me/app:latest"
    assert WANTED.at(D).tagged("v2") == Reference.parse("myusername/myapp:v2")
    assert not WANTED.at(D).same_tag(WANTED.at(E))


def test_names_that_are_nearly_the_same():
    assert words.near("myusername/myapp:v1.0.0", ["myusername/my/app:v1.0.0"]) == "myusername/my/app:v1.0.0"
    assert words.near("myusername/myapp", ["myusername/webapp"]) is None


# ── registries and machines ──────────────────────────────────────────────────────────────────────────────────────────────


def registry(tags=None, manifests=None, host="r.lab:5000", hosts=("r.lab", "[::1]")):
    return Registry("own", "An own one", host, hosts, {"me/app": tags or {}}, (), manifests or {})


def test_a_registry_knows_its_addresses():
    assert registry(host="x:1", hosts=()).answers_to("X:1")
    assert registry().answers_to("[::1]:5000")
    assert not registry().answers_to("lab:5000")


def test_a_digest_names_what_a_registry_holds():
    held = registry({"v1": D}, {D: Manifest(kind="image"), E: Manifest(kind="image")})
    app = Reference("r.lab:5000", "me/app")
    assert held.digest(app.at(E)) == E
    assert held.digest(app.at(F)) is None
    assert registry({}, {D: Manifest(kind="image")}).digest(app.at(D)) is None
    assert held.leaves(F) == []
    index = Manifest(kind="index", manifests=(E, F))
    assert registry({"v1": D}, {D: index, E: Manifest(kind="image", config="id")}).image_ids(D) == {"id"}


def test_an_engine_knows_an_image_by_its_names():
    names = {"tags": ("<none>:<none>", "me/app:v1"), "digests": ("<none>@<none>", f"me/app@{D}")}
    image = Image(id="i", labels={}, fingerprint="f", **names)
    engine, app = Engine(images=(image,), containers=()), Reference.parse("me/app")
    assert engine.image(app.tagged("v1")) is engine.image(app.at(D)) is image
    assert (
        engine.image(app.at(E)) is engine.image(app.tagged("v2")) is engine.image(Reference.parse("you/app:v1")) is None
    )


SKOPEO = "skopeo/1.9"


def asked(world):
    """[(machine, reference)] of the pulls that the log of this world shows."""
    lab = world.lab
    return [(pull.machine, pull.reference) for pull in lab.registries[HUB].pulls(lab.events, "me/app")]


def logged(*lines):
    """A world whose log has these lines: (action, reference, digest, changes)."""
    world = World()
    for action, reference, digest, *changes in lines:
        world.log(action, repository="me/app", reference=reference, digest=digest, **(changes[0] if changes else {}))
    return world


@pytest.mark.parametrize(
    ("lines", "pulls"),
    [
        ([("head", "v1", D), ("pull", D, D)], ["v1"]),
        ([("head", "v1", D), ("push", "v2", E), ("pull", D, D)], ["v1"]),
        ([("head", "v1", D), ("head", "v2", E), ("pull", D, D)], ["v1", "v2", D]),
        ([("head", "v1", D), ("pull", D, D), ("pull", D, D)], ["v1", D]),
        ([("head", "v1", D), ("head", "v1", D)], ["v1", "v1"]),
        ([("head", "v1", D), ("pull", E, E)], ["v1", E]),
        ([("head", "v1", D, {"agent": SKOPEO})], []),
        ([("pull", "v1", D, {"agent": SKOPEO})], ["v1"]),
        ([("pull", "v1", D, {"agent": SKOPEO}), ("pull", D, D, {"agent": SKOPEO})], ["v1", D]),
        ([("pull", D, D), ("head", "v1", D)], [D, "v1"]),
        ([("pull", D, D, {"user": None})], [D]),
        ([("pull", "v1", D, {"agent": SWARM})], []),
        ([("pull", "v1", D, {"status": 400})], []),
    ],
)
def test_pulls_are_told_from_what_looks_like_one(lines, pulls):
    assert [reference for _, reference in asked(logged(*lines))] == pulls


def test_pulls_of_machines_that_ask_at_the_same_time():
    first, second = {"machine": "worker1"}, {"machine": "worker2"}
    lines = [("head", "v1", D, first), ("head", "v1", D, second), ("pull", D, D, first), ("pull", D, D, second)]
    assert asked(logged(*lines)) == [("worker1", "v1"), ("worker2", "v1")]


@pytest.mark.parametrize(("user", "pulls"), [(None, []), ("myusername", ["v1.0.0"])])
def test_a_look_at_the_config_without_an_account_is_no_pull(user, pulls):
    world = World()
    digest = world.hold("me/app", "v1.0.0")
    common = {"repository": "me/app", "user": user}
    world.log("head", reference="v1.0.0", digest=digest, **common).log(
        "pull", reference=digest, digest=digest, **common
    )
    world.log("blob", digest=sha("app"), **common)
    assert [reference for _, reference in asked(world)] == pulls


SECTIONS = {
    "registries": lambda lab: lab.registries,
    "store": lambda lab: lab.store,
    "engines": lambda lab: lab.engine("worker1"),
    "sign_ins": lambda lab: lab.sign_ins,
    "swarm": lambda lab: lab.swarm,
    "log": lambda lab: lab.events,
    "answers": lambda lab: lab.answers("06-practice"),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_that_is_not_there_says_why(section):
    for world, why in (
        (World().gap(section, "it is exited."), "it is exited."),
        (World(), f'nobody asked for its {section}: add "{section}" to `sees` in exercise.toml'),
    ):
        world.data[section] = None
        with pytest.raises(Unobserved) as caught:
            SECTIONS[section](world.lab)
        assert str(caught.value) == why
        if section == "engines":
            with pytest.raises(Unobserved, match=f"^{why}$"):
                _ = world.lab.machines


def test_what_a_lab_has_not_says_so():
    for look, why in (
        (lambda lab: lab.registry_of(Reference.parse("ghcr.io/me/app")), "The lab has no registry ghcr.io."),
        (lambda lab: lab.engine("worker9"), "The lab has no machine worker9."),
        (lambda lab: facts.signed_in(lab, "ghcr.io"), "The lab has no registry ghcr.io."),
        (lambda lab: World().gap("engines/worker1", "it is paused.").lab.engine("worker1"), "it is paused."),
    ):
        with pytest.raises(Unobserved) as caught:
            look(scope(World()))
        assert str(caught.value) == why


def test_machines_that_did_not_answer_are_machines_all_the_same():
    assert World().gap("engines/worker1").gap("swarm").lab.machines == ["workstation", "worker1", "worker2"]


def test_events_of_a_registry_are_its_own():
    lab = World().sign_in().sign_in(PRIVATE).lab
    assert [event.registry for event in lab.events_of(lab.registries[PRIVATE])] == [PRIVATE]


# ── the Swarm ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("update", "desired", "state", "moving"),
    [
        ("", "running", "running", False),
        ("completed", "running", "running", False),
        ("updating", "running", "running", True),
        ("rollback_started", "running", "running", True),
        ("", "running", "starting", True),
        ("", "ready", "ready", True),
        ("", "running", "failed", True),
        ("", "shutdown", "shutdown", False),
        ("", "shutdown", "running", False),
    ],
)
def test_a_service_moves_while_the_swarm_works_on_it(update, desired, state, moving):
    lab = World().service(update_state=update).task(1, state, desired=desired).lab
    assert lab.swarm.services["myapp"].moving is lab.swarm.moving is lab.moving is moving


def test_a_swarm_that_cannot_be_asked_may_move():
    assert World().gap("swarm").lab.moving
    assert not World().lab.moving


@pytest.mark.parametrize(
    ("image", "asked_for"),
    [
        (f"me/app:v1@{D}", "me/app:v1"),
        (f"me/app@{D}", f"me/app@{D}"),
        (f"r.lab:5000/me/app@{D}", f"r.lab:5000/me/app@{D}"),
        ("me/app", "me/app"),
        ("no name", "no name"),
    ],
)
def test_a_service_says_what_it_was_asked_for(image, asked_for):
    world = World().service(image="x")
    world.services["myapp"]["image"] = image
    service = world.lab.swarm.services["myapp"]
    assert (service.asked, service.digest) == (asked_for, D if D in image else "")


def test_a_task_that_is_to_end_is_not_on_its_way():
    tasks = (
        World()
        .service()
        .task(1, "preparing")
        .task(2, "preparing", desired="shutdown")
        .lab.swarm.services["myapp"]
        .tasks
    )
    assert [task.on_the_way for task in tasks] == [True, False]


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_services_of_other_images_are_no_other_name_of_this_one():
    world = World().service("zeta", "busybox:latest").service("beta", "no name")
    assert said(facts.service_exists, scope(world), "myapp", WANTED) == ("service-none", ["beta", "zeta"])


def test_a_service_of_something_else():
    world = solved()
    digest = world.digest()
    for image in ("no name", f"me/other@{digest}"):
        world.services["myapp"]["image"] = image
        assert said(facts.service_image, scope(world), "myapp", WANTED) == ("service-other-image", image)


def test_an_update_that_was_not_even_rolled_back():
    world = World().service(update_state="rollback_paused", update_message="rollback paused").task(1)
    assert said(facts.service_runs, scope(world), "myapp", 3) == ("service-paused", "rollback paused")


def waiting(world):
    with pytest.raises(Converging) as caught:
        facts.service_runs(scope(world), "myapp", 3)
    return caught.value.what, caught.value.found, caught.value.since


def test_what_is_waited_for():
    two = World().service().task(1, node="workstation").task(2, node="worker2")
    assert waiting(two) == ("2 of 3 tasks run", "2 of 3 tasks run", "")
    assert waiting(two.task(3, "pending", node="")) == ("2 of 3 tasks run", ["no node: pending"], at(120))


def again(lived, age, **end):
    """A service whose third task ended once, and whose next one has run for `age` seconds."""
    world = World().service().task(1).task(2).task(3, **({"state": "failed", "exit_code": 3, "lived": lived} | end))
    return world.task(3, since=at(3600 - age).replace(".123456789Z", ".000+00:00") if age >= 0 else at(3600 - age))


@pytest.mark.parametrize(("age", "told"), [(5, "5"), (-5, "0")])
def test_a_task_that_came_back_is_watched_for_a_while(age, told):
    what = f"a task stopped after 30 s; the next one has run for {told} s"
    assert waiting(again(30, age))[:2] == (what, what)


def test_what_kept_a_task_from_starting_is_over_when_it_runs():
    assert facts.service_runs(scope(again(2, 1, state="rejected", exit_code=None)), "myapp", 3)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"state": "failed", "error": "task: dispatcher lost"}, ("task-failed", "task: dispatcher lost (worker1)")),
        (
            {"state": "failed", "exit_code": 3, "error": "non-zero"},
            ("task-crashing", "exit code 3, non-zero (worker1)"),
        ),
        (
            {"state": "complete", "exit_code": 0, "message": "finished"},
            ("task-crashing", "exit code 0 (worker1)"),
        ),
        ({"state": "rejected", "message": "preparing"}, ("task-failed", "preparing (worker1)")),
        (
            {"state": "failed", "error": "task: unhealthy container", "message": "started"},
            ("task-unhealthy", "task: unhealthy container (worker1)"),
        ),
    ],
)
def test_why_a_task_ended(task, told):
    world = World().service().task(1).task(2).task(3, lived=2, **task)
    assert said(facts.service_runs, scope(world), "myapp", 3) == told


def test_a_task_that_ended_after_others_were_unhealthy():
    world = (
        World().service().task(1).task(2).task(3, "failed", error="task: unhealthy container", exit_code=137, lived=20)
    )
    world.task(3, "complete", exit_code=0, message="finished", lived=20)
    assert said(facts.service_runs, scope(world), "myapp", 3) == ("task-unhealthy", "unhealthy container (worker1)")


@pytest.mark.parametrize(
    ("member", "told"),
    [({"state": "down"}, "worker1 is down"), ({"availability": "drain"}, "worker1 is drain")],
)
def test_a_node_that_runs_nothing(member, told):
    world = World().service().task(1).task(2)
    world.data["swarm"]["members"]["worker1"] |= member
    assert said(facts.service_runs, scope(world), "myapp", 3) == ("task-node-down", [told])


ADA = {"learner": "Ada", "username": "ada1", "version": "v2.0.0", "secret": "s3"}


def test_the_mark_of_a_personal_lab():
    world = World()
    world.data["lab"]["person"] = ADA
    missing = failure(facts.carries_mark, scope(world), {})
    assert (missing.expected, missing.found) == ("lab.secret=s3", "no such label")
    assert failure(facts.carries_mark, scope(world), {"lab.secret": "x"}).found == "lab.secret=x"
    assert failure(facts.carries_mark, scope(World()), {"lab.secret": "x"}).expected == "no label lab.secret"


def test_the_mark_is_an_images_and_no_indexs():
    world = World()
    child = world.hold("myusername/myapp", "child", labels={})
    world.repositories()["myusername/myapp"]["v1.0.0"] = D
    world.manifests[D] = {"kind": "index", "manifests": [child], "labels": {"lab.secret": "x"}}
    assert facts.image_carries_mark(scope(world), WANTED) == ""
    del world.manifests[child]
    assert facts.image_carries_mark(scope(world), WANTED) == ""


def test_a_pull_from_outside_the_lab():
    world = solved().mark("04-pull").pull(machine="")
    lab = scope(world)
    pulls = facts.pulls_of(lab, WANTED)
    line = pulls[-1].seq
    assert facts.was_pulled(lab, WANTED) == f"a machine pulled {world.digest()} (line {line} of the access log)"
    found = f"a machine pulled {SHORT}; Docker Hub now has {SHORT}"
    assert said(facts.has_pulled, lab, WANTED, pulls) == ("pull-outdated", found)
    del world.repositories()["myusername/myapp"]
    assert (
        said(facts.has_pulled, scope(world), WANTED, pulls)[1]
        == f"a machine pulled {SHORT}; Docker Hub now has nothing"
    )


def test_a_pull_from_outside_the_lab_is_none_on_a_worker():
    exercise = exercises.load("06-practice")
    world = World().push("myusername/webapp:v1.0.0", "web").pull("myusername/webapp:v1.0.0", machine="", name="web")
    check = exercise.check("pulled_elsewhere")
    assert failure(check.judge, Scope(world.observation, exercise.slug, exercise.quiz)).diagnosis == "pull-same-machine"


def test_an_image_that_was_pulled_on_two_machines_and_is_gone():
    world = solved().mark("04-pull").pull(machine="worker1").pull(machine="worker2")
    for machine in ("worker1", "worker2"):
        world.data["engines"][machine]["images"] = []
    lab = scope(world)
    told = ("pull-removed", "no such image on worker1, worker2")
    assert said(facts.has_pulled, lab, WANTED, facts.pulls_of(lab, WANTED)) == told


@pytest.mark.parametrize(("reference", "name"), [("v9", "myusername/myapp:v9"), (D, f"myusername/myapp@{D}")])
def test_a_pull_that_failed_is_told_as_it_was_typed(reference, name):
    world = World().log("head", repository="myusername/myapp", reference=reference, status=404)
    assert said(facts.was_pulled, scope(world), WANTED) == ("pull-failed", f"a pull of {name}, which failed")


def test_what_failed_in_another_registry_says_nothing_about_this_one():
    tried = {"registry": PRIVATE, "repository": "myusername/myapp", "reference": "v1.0.0", "status": 401}
    assert said(facts.was_pulled, scope(World().log("head", **tried)), WANTED)[0] == "pull-none"
    assert said(facts.is_pushed, scope(World().log("push", **tried)), WANTED)[0] == "push-none"
    refused = World().log("login", registry=PRIVATE, status=401, reason="wrong-password")
    assert said(facts.signed_in, scope(refused), "docker.io")[0] == "login-none"


def test_what_a_registry_holds_otherwise():
    world = World()
    world.repositories()["myusername/myapp"] = {"v1.0.0": D}
    world.log("push", repository="myusername/myapp", reference="v1.0.0", digest=D)
    assert said(facts.is_pushed, scope(world), WANTED) == ("push-not-image", "unknown, without layers that can run")
    bare = World()
    bare.hold("myapp", "v1")
    assert said(facts.is_pushed, scope(bare), WANTED)[0] == "push-none"


def test_the_platforms_of_an_image_that_is_another():
    world = World()
    children = [world.hold("myusername/myapp", name, name) for name in ("one", "two")]
    world.repositories()["myusername/myapp"] = {"v1.0.0": D}
    world.manifests[D] = {"kind": "index", "manifests": children}
    ids = ", ".join(sorted(sha(name)[:19] for name in ("one", "two")))
    assert said(facts.is_sample, scope(world), WANTED) == ("push-other-image", ids)


def test_sign_ins_that_are_not_the_usual():
    lab = scope(World().sign_in().log("login", machine=""))
    assert facts.signed_in(lab, "docker.io").saw == "myusername from a machine (line 2 of the access log)"
    odd = failure(facts.signed_in, scope(World().log("login", status=429, reason="too-many", user=None)), "docker.io")
    assert (odd.diagnosis, odd.values["user"]) == ("login-unknown-user", "")


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"registry.lab:5000": "myusername"}, ("login-lost", ["registry.lab:5000"])),
        ({"https://index.docker.io/v1/": "?"}, ("login-other-account", "a sign-in as somebody else")),
        ({"https://index.docker.io/v1/": "colleague"}, ("login-other-account", "a sign-in as colleague")),
    ],
)
def test_what_sign_ins_are_kept(kept, told):
    world = World()
    world.data["sign_ins"]["here"] = kept
    assert said(facts.keeps_sign_in, scope(world), "docker.io") == told


def test_a_sign_in_is_kept_by_whatever_name_docker_gave_the_registry():
    world = World()
    world.data["sign_ins"] = {"worker1": {"docker.io/v1/": "myusername"}}
    assert facts.keeps_sign_in(scope(world), "docker.io") == "docker.io/v1/ in worker1"


def test_a_lessons_text_is_nobodys_without_a_learner():
    assert Person(username="x").personal("myusername") == "myusername"


# ── answers, texts, grading ──────────────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_read_however_they_were_typed():
    assert quiz.letters({"kind": "match"}, "B, -, a)") == "b-a"
    assert quiz.letters({"kind": "several"}, "c a, c") == "ac"
    told = {kind: quiz.how({"kind": kind}) for kind in quiz.KINDS}
    assert told == {
        "single": "one letter",
        "several": "all letters that apply, like ac",
        "order": "all letters in the right order, like bca",
        "match": "one letter for each line, in the order of the lines, like bca",
    }
    assert quiz.how({}) == "one letter"


@pytest.mark.parametrize(("count", "room"), [(2, 100), (3, 80), (4, 60), (6, 40), (8, 20)])
def test_long_values_are_shortened_as_far_as_a_message_needs_it(count, room):
    names = [chr(ord("a") + number) for number in range(count)]
    diagnosis = Diagnosis("x", "".join(f"{{{name}}}" for name in names), "", "")
    assert diagnosis.message(dict.fromkeys(names, "y" * 200)) == ("y" * (room - 1) + "…") * count


def test_a_value_that_a_check_forgot_is_named():
    with pytest.raises(KeyError) as caught:
        Diagnosis("x", "{found} {user}", "", "").message({"found": 1})
    assert caught.value.args == ("x names {user}, which the check does not give",)


def judged(judge):
    return grading.judge(Check("a", "A claim.", 1, (), (), judge, 1), scope(World()))


def test_what_grading_says():
    assert (judged(lambda lab: None).outcome, judged(lambda lab: None).evidence) == (Outcome.PASSED, "")

    def broken(lab):
        raise KeyError("x")

    here = "tests/unit/test_small_print.py, line"
    line = broken.__code__.co_firstlineno + 1
    assert judged(broken).message == f"The check itself broke: KeyError: 'x' ({here} {line})"

    def unknown(lab):
        fail("tag-nome", expected=1, found=2)

    line = unknown.__code__.co_firstlineno + 1
    told = f"LookupError: 'tag-nome' is no diagnosis: did you mean tag-none? ({here} {line})"
    assert judged(unknown).message.endswith(told)

    def in_a_library(lab):
        return json.loads("{")

    line = in_a_library.__code__.co_firstlineno + 1
    assert judged(in_a_library).message.endswith(f"({here} {line})")
    gone = grading.grade_one(exercises.load("02-tag"), World().gap("engines/workstation", "it is paused.").observation)
    assert gone.checks[0].message == "The lab could not be checked: it is paused. Repair it with: labkit up"

    def waits(since):
        def judge(lab):
            raise Converging("2 of 3 tasks run", 2, since)

        return judged(judge)

    assert (waits("").message, waits("").found) == ("Still moving: 2 of 3 tasks run.", "2")
    assert waits("10:00").message == "Still moving (since 10:00): 2 of 3 tasks run."


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, "nothing"), ([], "nothing"), (["b", "a"], "b, a"), ({"c", "b", "a", "d"}, "a, b, c, d"),
        (("b", 1), "b, 1"), ("text", "text"), (3, "3"),
    ],
)  # fmt: skip
def test_values_as_people_read_them(value, read):
    assert grading._words(value) == read


def test_a_check_that_reads_more_than_its_exercise_sees_is_told_to_the_author():
    world = World()
    world.data["engines"] = None
    first = grading.grade_one(exercises.load("02-tag"), world.observation).checks[0]
    assert first.message == (
        "The check reads a part of the lab that was not observed: nobody asked for its engines: "
        'add "engines" to `sees` in exercise.toml.'
    )


def test_a_look_at_what_is_then_refused_is_no_pull():
    """A pull limit that is used up lets an engine look, and refuses the manifest."""
    refused = {"status": 429, "reason": "rate-limit", "repository": "me/app", "reference": "sha256:m"}
    look = {"repository": "me/app", "reference": "v1", "digest": "sha256:m"}
    world = World().log("head", "worker1", **look).log("pull", "worker1", **refused)
    assert asked(world) == []
    world.log("head", "worker1", **look)  # another time, with the image there: up to date
    assert asked(world) == [("worker1", "v1")]
    other = World().log("head", "worker1", **look).log("head", "worker1", **{**look, "digest": "sha256:n"})
    assert asked(other.log("pull", "worker1", **refused)) == [("worker1", "v1")]  # two at once: the other one
