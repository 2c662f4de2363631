"""What counts as running, answering, pulled and pushed: by values, each side of the line."""

import pytest
from world import CLI, MACHINES, SWARM, World, at, practiced, sha, solved

from labkit.content import exercises
from labkit.grading.grade import grade_one
from labkit.lab.looking.sight import _gaps
from labkit.seen.lab import NotAsked, Unobserved

WEBAPP = "myusername/webapp"
MYAPP = "myusername/myapp"


def check(slug, name, world):
    result = grade_one(exercises.load(slug), world.observation)
    return next(one for one in result.checks if one.id == name)


def verdict(slug, name, world):
    found = check(slug, name, world)
    return found.diagnosis or found.outcome.value


def deployed(world):
    return verdict("06-practice", "deployed", world)


def tasks(world, name="webapp"):
    return world.services[name]["tasks"]


# ── nodes that do not answer ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_on_a_machine_that_does_not_answer_is_converging_and_says_where():
    world = solved().gap("engines/worker2")
    told = check("05-deploy", "running", world)
    assert told.outcome.value == "converging"
    assert told.message == "Still moving: 2 of 3 tasks run on nodes that answer; no answer from worker2."
    assert told.found == "no answer from worker2"
    world.services["myapp"]["update_state"] = "paused"  # of before
    assert verdict("05-deploy", "running", world) == "converging"


def test_every_machine_that_does_not_answer_is_named():
    told = check("05-deploy", "running", solved().gap("engines/worker1").gap("engines/worker2"))
    assert told.message == "Still moving: 1 of 3 tasks run on nodes that answer; no answer from worker1, worker2."
    assert told.found == "no answer from worker1, worker2"


@pytest.mark.parametrize("state", ["down", "unknown", "disconnected"])
def test_so_is_one_on_a_node_that_the_manager_misses(state):
    world = solved()
    world.data["swarm"]["members"]["worker1"]["state"] = state
    assert verdict("05-deploy", "running", world) == "converging"


def test_a_node_that_is_gone_costs_nothing_once_its_tasks_run_elsewhere():
    world = solved().gap("engines/worker2")
    tasks(world, "myapp")[2]["desired"] = "shutdown"  # it cannot say that it ended
    world.data["swarm"]["members"]["worker2"]["state"] = "down"
    world.task(3, node="worker1", created=at(3000), since=at(3001))
    assert verdict("05-deploy", "running", world) == "passed"


def test_other_nodes_may_be_silent_drained_or_gone():
    world = solved().gap("engines/worker2")
    tasks(world, "myapp")[2]["node"] = "worker1"
    world.data["swarm"]["members"]["worker2"] = {"role": "worker", "availability": "drain", "state": "down"}
    assert verdict("05-deploy", "running", world) == "passed"
    del world.data["swarm"]["members"]["worker2"]
    assert verdict("05-deploy", "running", world) == "passed"


def test_a_drained_node_that_answers_has_its_tasks_until_they_end():
    world = solved()
    world.data["swarm"]["members"]["worker2"]["availability"] = "drain"
    assert verdict("05-deploy", "running", world) == "passed"


def test_a_node_that_left_the_swarm_and_answers_is_no_reason_to_wait():
    world = solved()
    del world.data["swarm"]["members"]["worker2"]
    assert verdict("05-deploy", "running", world) == "passed"


def test_silence_counts_for_the_machine_that_was_asked():
    lab = solved().gap("engines/worker2").gap("log").lab
    assert lab.silent == {"worker2"}
    assert lab.machines == list(MACHINES)
    assert solved().lab.silent == set()


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_three_tasks_that_answer_with_the_page_of_their_image():
    told = check("06-practice", "deployed", practiced())
    assert told.outcome.value == "passed"
    assert told.evidence.endswith("webapp.3 on worker2; 3 tasks answer with /www/index.html")


YOUNG = {"created": at(3590), "since": at(3592)}


@pytest.mark.parametrize(
    ("changes", "expected", "found"),
    [
        ({"port": 0, "status": 0, "size": 0}, "page-none", "webapp.1 on workstation: it does not listen on any port"),
        ({"status": 0, "size": 0}, "page-none", "webapp.1 on workstation: no HTTP on port 8080"),
        ({"status": 404, "file": ""}, "page-other", "webapp.1 on workstation, port 8080: 404"),
        ({"status": 301, "file": ""}, "page-other", "webapp.1 on workstation, port 8080: 301"),
        ({"status": 503, "file": ""}, "page-other", "webapp.1 on workstation, port 8080: 503"),
        ({"file": "", "text": "made\nlater"}, "page-not-in-image", "webapp.1 on workstation, port 8080: “made later”"),
        ({"file": "", "text": "x" * 200}, "page-not-in-image", f"webapp.1 on workstation, port 8080: “{'x' * 80}”"),
        ({"file": "", "text": ""}, "page-not-in-image", "webapp.1 on workstation, port 8080: an empty page"),
        ({"sample": True, "text": "sample"}, "page-sample", "webapp.1 on workstation, port 8080: “sample”"),
    ],
)
def test_another_answer_is_told(changes, expected, found):
    world = practiced()
    world.page(tasks(world)[0], **changes)
    told = check("06-practice", "deployed", world)
    assert told.diagnosis == expected
    assert told.found == found
    assert len(told.message) < 400


@pytest.mark.parametrize("changes", [{"port": 0, "status": 0}, {"status": 0}, {"status": 404, "file": ""}])
def test_an_app_may_take_a_while_to_start(changes):
    world = practiced()
    tasks(world)[1].update(YOUNG)
    world.page(tasks(world)[1], **changes)
    told = check("06-practice", "deployed", world)
    assert told.outcome.value == "converging"
    assert told.message == f"Still moving (since {at(3592)}): no page yet from webapp.2 on worker1."
    assert told.found == "webapp.2 on worker1"
    world.data["taken"] = at(3592 + 16)
    assert deployed(world) in ("page-none", "page-other")


def test_fifteen_seconds_are_enough():
    world = practiced()
    tasks(world)[1] |= {"created": at(3580), "since": "2026-01-01T00:59:45.123456789Z"}
    world.page(tasks(world)[1], port=0, status=0)
    assert deployed(world) == "converging"
    world.data["taken"] = "2026-01-01T01:00:00.2Z"
    assert deployed(world) == "page-none"


def test_what_is_wrong_for_good_is_told_before_what_may_come():
    world = practiced()
    tasks(world)[0].update(YOUNG)
    world.page(tasks(world)[0], port=0, status=0)
    world.page(tasks(world)[2], status=404, file="")
    assert deployed(world) == "page-other"
    world.page(tasks(world)[2], file="")
    assert deployed(world) == "page-not-in-image"


def test_a_task_that_nobody_found_where_it_runs():
    world = practiced()
    world.data["pages"]["worker1"] = []
    told = check("06-practice", "deployed", world)
    assert (told.diagnosis, told.found) == ("page-none", "webapp.2 on worker1: the lab did not find its container")
    del world.data["pages"]["worker1"]
    assert deployed(world) == "page-none"
    tasks(world)[1].update(YOUNG)
    assert deployed(world) == "converging"


def test_only_tasks_of_what_the_service_now_asks_for_are_asked():
    world = practiced()
    world.task(1, "shutdown", node="worker1", name="webapp", desired="shutdown", spec="before")
    assert deployed(world) == "passed"


def test_pages_that_could_not_be_seen_cost_nobody_points():
    world = practiced()
    del world.data["pages"]["worker1"]
    world.data["unobserved"]["pages/worker1"] = "the apps on worker1 could not be asked: no python3."
    told = check("06-practice", "deployed", world)
    assert told.outcome.value == "error"
    assert "the apps on worker1 could not be asked" in told.message
    world.data["pages"] = None  # an observation of before there were pages
    assert check("06-practice", "deployed", world).outcome.value == "error"
    with pytest.raises(NotAsked, match='nobody asked for its pages: add "pages" to `sees`'):
        world.lab.page("worker2", "x")
    world.data["unobserved"]["pages"] = "it is exited."
    with pytest.raises(Unobserved, match=r"it is exited\."):
        world.lab.page("worker2", "x")


def test_an_app_that_cannot_be_asked_does_not_break_the_lab():
    world = practiced()
    world.data["unobserved"] |= {"pages/worker1": "no python3", "pages": "x"}
    assert _gaps(world.observation) == {}


def test_a_task_on_a_machine_that_does_not_answer_is_not_asked():
    world = practiced()
    tasks(world)[2]["node"] = "worker1"
    world.page(tasks(world)[2], file="/www/other.html")
    world.task(4, node="worker2", name="webapp").gap("engines/worker2")
    told = check("06-practice", "deployed", world)
    assert told.evidence.endswith("; 3 tasks answer with /www/index.html, /www/other.html")


def test_all_that_do_not_answer_yet_are_named():
    world = practiced()
    for task in tasks(world)[:2]:
        world.page(task, port=0, status=0)
    told = check("06-practice", "deployed", world)
    assert told.found == "webapp.1 on workstation, webapp.2 on worker1: it does not listen on any port"
    for task in tasks(world)[:2]:
        task.update(YOUNG)
    assert check("06-practice", "deployed", world).found == "webapp.1 on workstation, webapp.2 on worker1"


def test_05_asks_no_app():
    world = solved()
    world.data["pages"] = None
    assert verdict("05-deploy", "running", world) == "passed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A registry keeps every version under one name, so colleagues and machines fetch what the tests had passed, and nobody carries files.", "passed"),
        ("Eine Registry hält jedes Abbild unter einem Namen bereit, damit Kollegen und Maschinen genau das holen, was geprüft wurde, ohne Umweg.", "passed"),
        (" ".join(["a"] * 40), "reflection-same"),
        (" ".join("abcdefghijklmnopqrstuvwxyz"), "reflection-same"),
        (" ".join(["registry", "Registry,", "REGISTRY.", "“registry”", "pull"] * 5), "reflection-same"),
        (" ".join(f"w{n:02}" for n in range(9)) + " the" * 11, "passed"),
        (" ".join(f"w{n:02}" for n in range(8)) + " the" * 12, "reflection-same"),
        (" ".join(f"w{n:02}" for n in range(19)), "reflection-short"),
    ],
)  # fmt: skip
def test_a_reflection_has_words_that_differ(text, expected):
    world = practiced()
    world.data["answers"] = {"06-practice": {"reflection": text}}
    assert verdict("06-practice", "reflection", world) == expected


# ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def held():
    """The Hub holds myapp, and no machine has it."""
    world = World()
    world.hold(MYAPP, "v1.0.0")
    return world


def ask(world, action="pull", machine="worker1", agent=CLI, reference="v1.0.0", name="app", user="myusername"):
    told = {"machine": machine, "agent": agent, "user": user, "repository": MYAPP}
    what = sha(f"layer of {name}") if action == "layer" else sha(name)
    if action in ("layer", "config"):
        return world.log("blob", digest=what, **told)
    return world.log(action, reference=reference, digest=world.digest(), **told)


def fetch(world, *actions, **more):
    for action in actions:
        ask(world, action, **more)
    return world


def has(world, machine="worker1", tags=(), digests=True):
    return world.image(machine, "app", list(tags), digests=[f"{MYAPP}@{world.digest()}"] if digests else [])


def pulled(world):
    return verdict("04-pull", "pulled", world), verdict("04-pull", "present", world)


ALL = ("head", "pull", "config", "layer")
TAG = (f"{MYAPP}:v1.0.0",)
RIGHT = ("passed", "passed")
ASKED = ("pull-only-asked", "blocked")


def test_a_pull_as_an_engine_does_it():
    world = fetch(held(), *ALL)
    assert pulled(world) == ("passed", "pull-removed")
    assert pulled(has(world, tags=TAG)) == RIGHT


def test_a_pull_counts_for_good_whatever_the_machine_has_later():
    world = fetch(held(), *ALL)
    assert pulled(fetch(world, *ALL[1:], agent=SWARM, user=None)) == ("passed", "pull-removed")
    assert pulled(has(world)) == RIGHT


def test_a_pull_of_what_was_pushed_from_there_fetches_nothing():
    world = World().push()
    assert pulled(ask(world, "head", machine="workstation")) == RIGHT
    world.data["engines"]["workstation"]["images"] = []
    assert pulled(world) == ("passed", "pull-removed")


def test_pushed_after_it_was_asked_for_is_no_pull():
    world = ask(held(), "head", machine="workstation")
    world.log("push", repository=MYAPP, reference="v1.0.0", digest=world.digest())
    assert pulled(world) == ASKED
    world = ask(held().log("push", machine="worker2", repository=MYAPP, reference="v1.0.0", status=401), "head")
    assert pulled(world) == ASKED


def test_a_pull_where_the_image_was_already_gives_it_its_tag():
    world = has(held(), digests=False, tags=TAG)  # loaded
    assert pulled(ask(world)) == ("passed", "pull-removed")
    assert pulled(has(world)) == RIGHT
    world = has(fetch(held(), *ALL[1:], agent=SWARM, user=None))  # the Swarm's
    assert pulled(ask(world)) == ASKED
    assert pulled(has(world, tags=TAG)) == RIGHT


def test_the_tag_must_mean_the_same_image():
    world = ask(has(held())).image("worker1", "mine", list(TAG))
    assert pulled(world) == ASKED


def test_what_another_machine_or_registry_or_time_fetched_is_not_this_pulls():
    world = fetch(ask(held()), "config", "layer", machine="worker2")
    assert pulled(world) == ASKED
    assert pulled(fetch(ask(held()), "pull", "config", "layer", machine="worker2")) == ("passed", "pull-removed")
    assert pulled(ask(fetch(held(), "config", "layer"))) == ASKED
    world = ask(held())
    for digest in (sha("app"), sha("layer of app")):
        world.log("blob", registry="private", machine="worker1", repository=MYAPP, digest=digest)
        world.log("blob", machine="worker1", repository=MYAPP, digest=digest, status=404)
    assert pulled(world) == ASKED


def test_an_index_whose_images_are_not_known_is_taken_at_its_word():
    world = World()
    index = sha("index")
    world.manifests[index] = {"kind": "index", "manifests": [sha("arm")]}
    world.repositories()[MYAPP] = {"v1.0.0": index}
    assert pulled(ask(world)) == ("passed", "pull-removed")


def test_a_digest_that_was_asked_for_must_be_there():
    world = held()
    assert pulled(ask(world, reference=world.digest())) == ASKED
    told = check("04-pull", "pulled", world)
    assert told.message.startswith(
        "worker1 asked Docker Hub about myusername/myapp:v1.0.0, but did not download the image."
    )
    assert told.found == "a request from worker1, and no download"
    outside = check("04-pull", "pulled", ask(held(), machine=""))
    assert outside.message.startswith("a machine asked Docker Hub")
    assert outside.found == "a request from a machine, and no download"


def test_a_push_that_the_store_refused_is_none():
    world = held()
    world.log("push", machine="worker1", repository=MYAPP, reference="v1.0.0", digest=world.digest(), status=400)
    assert pulled(ask(world)) == ASKED


def test_a_pull_by_digest_gives_no_tag():
    world = held()
    digest = world.digest()
    world = has(fetch(world, *ALL[1:], agent=SWARM, user=None))
    assert pulled(ask(world, reference=digest)) == RIGHT


def test_another_tag_of_the_same_digest_is_another_pull():
    world = held()
    world.hold(MYAPP, "v2")
    assert pulled(has(fetch(world, *ALL, reference="v2"))) == ("pull-other-tag", "blocked")


def test_what_the_tag_named_before_is_not_known_any_more():
    world = fetch(held(), "head", "pull")
    world.hold(MYAPP, "v1.0.0", name="new")
    del world.manifests[sha("manifest of app")]
    assert pulled(world) == ("passed", "pull-outdated")


def test_an_engine_that_is_not_of_the_lab_has_nothing():
    assert pulled(ask(held(), machine="")) == ASKED
    assert pulled(fetch(held(), *ALL, machine="")) == ("passed", "pull-outdated")


def test_layers_that_another_transfer_fetched_at_the_same_time():
    """`docker pull` and the Swarm's pull side by side: an engine fetches each layer once."""
    world = fetch(held(), "head", "pull", "config")
    fetch(world, "pull", "config", "layer", agent=SWARM, user=None)
    assert pulled(has(world)) == ASKED
    assert pulled(has(world, tags=TAG)) == RIGHT


def test_a_layer_that_was_there_before_is_fetched_by_others_later():
    world = fetch(held(), "layer", agent=SWARM)
    fetch(world, *ALL[:3])
    assert pulled(has(fetch(world, "layer", "config", agent=SWARM))) == RIGHT


def test_an_index_is_pulled_by_what_it_lists():
    world = World()
    child = world.hold(MYAPP, "amd64")
    index = sha("index")
    world.manifests[index] = {"kind": "index", "manifests": [child, sha("arm")]}
    world.repositories()[MYAPP] = {"v1.0.0": index}
    world.log("push", repository=MYAPP, reference="v1.0.0", digest=index)
    assert pulled(ask(world, "head")) == ASKED
    ask(world)
    world.log("pull", machine="worker1", repository=MYAPP, reference=child, digest=child)
    fetch(world, "config", "layer")
    world.image("worker1", "app", list(TAG), digests=[f"{MYAPP}@{index}"])
    assert pulled(world) == RIGHT


@pytest.mark.parametrize("agent", ["skopeo/1.18.0", "crane", "oras/1.2.0", "buildkit/v0.13", "curl/8"])
def test_other_tools_pull_where_they_fetch_layers(agent):
    world = ask(held(), agent=agent)
    assert pulled(world) == ASKED
    assert pulled(ask(world, "config", agent=agent)) == ASKED
    assert pulled(ask(world, "layer", agent="another")) == ASKED
    assert pulled(ask(world, "layer", agent=agent)) == ("passed", "pull-removed")
    assert pulled(has(world, digests=False)) == ("passed", "pull-removed")
    assert pulled(has(world, digests=False, tags=TAG)) == RIGHT


def test_what_a_tool_brought_must_be_what_the_registry_has():
    world = fetch(held(), "pull", "layer", agent="skopeo/1.18.0")
    assert pulled(world.image("worker1", "other", list(TAG))) == ("passed", "pull-removed")


def test_a_machine_that_does_not_answer_is_no_proof_of_anything():
    world = ask(held()).gap("engines/worker1")
    assert pulled(world) == ("error", "blocked")


# ── pushes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_hub(world):
    return verdict("03-push", "in_hub", world)


def test_any_tool_may_push():
    world = World()
    world.hold(MYAPP, "v1.0.0")
    assert in_hub(world) == "passed"


def test_the_last_push_is_what_lies_there():
    world = World().push()
    world.put(MYAPP, "v1.0.0", name="other")
    told = check("03-push", "in_hub", world)
    assert told.diagnosis == "push-not-by-push"
    assert told.found == f"{world.digest()[:19]}, and no push of it in the log"
    world.push(name="other")
    assert in_hub(world) == "passed"


@pytest.mark.parametrize(
    "other", [{"registry": "private"}, {"status": 401}, {"reference": "v2"}, {"repository": "x/y"}, {"action": "pull"}]
)
def test_another_line_is_no_push_of_it(other):
    world = World()
    digest = world.put(MYAPP, "v1.0.0")
    told = {"action": "push", "repository": MYAPP, "reference": "v1.0.0", "digest": digest, **other}
    assert in_hub(world.log(told.pop("action"), **told)) == "push-not-by-push"


def test_a_push_before_the_exercise_was_begun_counts_for_what_is_there():
    assert in_hub(World().push().mark("03-push")) == "passed"


def test_where_lines_were_left_out_one_that_is_missing_says_nothing():
    world = World()
    world.put(MYAPP, "v1.0.0")
    world.sign_in()
    assert in_hub(world) == "push-not-by-push"
    world.data["log"]["events"][0]["seq"] += 3
    assert in_hub(world) == "passed"
    world.mark("03-push").sign_in()
    assert in_hub(world) == "push-not-by-push"
    world.mark("04-pull").sign_in()
    assert in_hub(world) == "push-not-by-push"
    del world.data["log"]["events"][-2]
    assert in_hub(world) == "passed"
