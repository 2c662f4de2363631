"""Attempts to be judged better than one is: what is shown for evidence must agree with all the rest."""

import json
import time

import pytest
from helpers import shell, until
from test_judged import ALL, ASKED, TAG, ask, check, deployed, fetch, has, held, in_hub, pulled, tasks, verdict
from world import SWARM, World, practiced, solved

from labkit.lab.engine.execute import execute
from labkit.lab.looking.observe import observe

FORGED = "it counts as a look, `pull-only-asked`: no points"
NAME = "myusername/myapp"


def swarms(world):
    """The Swarm's node pulls: by digest, and so without the tag."""
    return has(fetch(world, *ALL[1:], agent=SWARM, user=None, reference=world.digest()))


def attempt(what, forge, comes=FORGED):
    return pytest.param(forge, marks=pytest.mark.attack("evidence", what, comes), id=what)


@pytest.mark.parametrize(
    "forge",
    [
        attempt("requesting only a manifest, under docker's name", lambda w: ask(w, user=None)),
        attempt("requesting only the digest, under docker's name", lambda w: ask(w, "head")),
        attempt("requesting a manifest under docker's name, then the Swarm pulls", lambda w: swarms(ask(w))),
        attempt("the same, by digest", lambda w: swarms(ask(w, reference=w.digest()))),
        attempt("the same, and the config", lambda w: swarms(fetch(w, "head", "pull", "config"))),
        attempt("requesting a manifest under docker's name, after the Swarm's pull", lambda w: ask(swarms(w))),
        attempt("the request from a machine outside the lab", lambda w: ask(has(w, tags=TAG), machine="")),
        attempt("the request from one machine, the image on another", lambda w: ask(has(w, "worker2", TAG))),
        attempt("requesting manifest and config with another tool (skopeo inspect)", lambda w: fetch(w, "pull", "config", agent="skopeo/1")),
        attempt("one tool requests the manifest, another downloads the layers", lambda w: ask(ask(w, agent="curl/8"), "layer", agent="oras/1")),
    ],
)  # fmt: skip
def test_a_pull_that_was_none(forge):
    world = forge(held())
    assert pulled(world) == ASKED
    told = check("04-pull", "pulled", world)
    assert told.earned == 0
    assert "did not download the image" in told.message


@pytest.mark.attack("evidence", "putting an image straight into the registry's store", "`push-not-by-push`: no points")
def test_an_image_that_nobody_pushed():
    world = World().sign_in()
    world.put(NAME, "v1.0.0")
    told = check("03-push", "in_hub", world)
    assert (told.diagnosis, told.earned) == ("push-not-by-push", 0)
    assert "its log shows no push of it" in told.message


@pytest.mark.attack("evidence", "pointing a pushed tag at another image in the store", "`push-not-by-push`: no points")
def test_an_image_in_place_of_the_one_that_was_pushed():
    world = World().push()
    world.put(NAME, "v1.0.0", name="another")
    assert in_hub(world) == "push-not-by-push"


@pytest.mark.parametrize(
    ("changes", "diagnosis"),
    [
        pytest.param({"port": 0, "status": 0}, "page-none", id="sleeps", marks=pytest.mark.attack(
            "evidence", "a practice app that only sleeps", "`page-none`: each task is asked")),
        pytest.param({"status": 404, "file": ""}, "page-other", id="tmpfs", marks=pytest.mark.attack(
            "evidence", "an empty tmpfs mounted over the page", "`page-other`: the app says 404")),
        pytest.param({"file": ""}, "page-not-in-image", id="mount", marks=pytest.mark.attack(
            "evidence", "a page from a mount, or written when the container starts", "`page-not-in-image`")),
        pytest.param({"sample": True}, "page-sample", id="sample", marks=pytest.mark.attack(
            "evidence", "deploying the sample app, with one more label, as one's own", "`page-sample`")),
    ],
)  # fmt: skip
def test_an_app_that_is_none(changes, diagnosis):
    world = practiced()
    world.page(tasks(world)[2], **changes)  # one of three is enough
    assert check("06-practice", "deployed", world).earned == 0
    assert deployed(world) == diagnosis


@pytest.mark.attack("evidence", "a reflection of “a a a …”", "`reflection-same`: it needs ten different words")
def test_a_reflection_that_says_nothing():
    world = practiced()
    world.data["answers"] = {"06-practice": {"reflection": "a " * 200}}
    told = check("06-practice", "reflection", world)
    assert (told.diagnosis, told.earned) == ("reflection-same", 0)


@pytest.mark.attack(
    "evidence", "tasks on a machine that was switched off, before the Swarm notices", "*converging*: no points yet"
)  # fmt: skip
def test_tasks_of_a_machine_that_is_gone():
    world = solved().gap("engines/worker2")
    assert verdict("05-deploy", "running", world) == "converging"
    assert check("05-deploy", "running", world).earned == 0


# ── on the lab ───────────────────────────────────────────────────────────────────────────────────────────────────────

DELETING = """
import base64, json, sys, urllib.error, urllib.request
def ask(method, url, headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method)) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers
def delete(what, scope, user="myusername", password="mypassword"):
    signed = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()} if user else {}
    realm = "https://auth.docker.io/token?service=registry.docker.io&scope=repository:" + scope
    token = json.loads(ask("GET", realm, signed)[1])["token"]
    url = "https://registry-1.docker.io/v2/" + scope.partition(":")[0] + what
    status, body, _ = ask("DELETE", url, {"Authorization": "Bearer " + token})
    return status, json.loads(body)["errors"][0]["code"]
digest = sys.argv[1]
print(json.dumps([
    delete("/manifests/" + digest, "myusername/myapp:*"),
    delete("/manifests/v1.0.0", "myusername/myapp:delete"),
    delete("/blobs/" + digest, "myusername/myapp:delete"),
    delete("/manifests/" + digest, "myusername/myapp:pull,push"),
    delete("/manifests/" + digest, "myusername/myapp:pull,push,delete", "colleague", "theirpassword"),
    delete("/manifests/" + digest, "myusername/myapp:*", ""),
    delete("/manifests/latest", "library/busybox:*"),
]))
"""


@pytest.mark.attack(
    "protocol",
    "deleting a tagged image: as its owner, with a push token, as somebody else, without a sign-in; by tag, by digest, blob by blob",
    "403, 405 or 401; the log says which; the image stays",
)
def test_what_a_tag_leads_to_is_not_deleted(lab):
    done = shell(
        lab,
        "docker login -u myusername -p mypassword; docker tag myapp myusername/myapp:v1.0.0; docker push myusername/myapp:v1.0.0",
    )
    assert done.returncode == 0, done.stderr
    before = observe(lab, ["registries", "log"])
    digest = before.registries.known["hub"].repositories[NAME]["v1.0.0"]
    told = execute(lab.engine, lab.parts["worker1"].id, ["python3", "-c", DELETING, digest])
    assert [tuple(one) for one in json.loads(told)] == [
        (403, "DENIED"), (403, "DENIED"), (405, "UNSUPPORTED"), *[(401, "UNAUTHORIZED")] * 4,
    ]  # fmt: skip
    after = observe(lab, ["registries", "log"])
    assert after.registries == before.registries
    events = [event for event in after.log.events if event.seq > before.log.events[-1].seq]
    assert [(event.action, event.user, event.reason) for event in events] == [
        ("delete", "myusername", "still-tagged"),
        ("delete", "myusername", "still-tagged"),
        ("delete", "myusername", "unsupported"),
        ("delete", "colleague", "foreign-namespace"),
        ("delete", None, "not-signed-in"),
        ("delete", "myusername", "foreign-namespace"),
    ]


def ports(seen):
    return [page.port for machine in seen.pages.values() for page in machine]


@pytest.mark.attack(
    "evidence",
    "an app that answers without end; a node's Python that prints without end",
    "the rest is observed within seconds; what did not answer is listed as unobserved",
)
def test_an_app_and_a_node_that_never_end(lab):
    app = "while true; do nc -l -p 8080 -e yes; done"
    made = shell(lab, f"docker service create --detach --name webapp --mode global busybox sh -c '{app}'")
    assert made.returncode == 0, made.stderr
    until(lambda: ports(observe(lab, ["pages"])) == [8080] * 3, "three apps that listen")
    worker = lab.parts["worker1"].id
    fake = "printf '#!/bin/sh\\nexec yes\\n' > /usr/local/bin/python3; chmod 755 /usr/local/bin/python3"
    execute(lab.engine, worker, ["sh", "-c", fake])
    try:
        began = time.monotonic()
        seen = observe(lab)
        took = time.monotonic() - began
    finally:
        execute(lab.engine, worker, ["sh", "-c", "rm /usr/local/bin/python3; pkill -x yes || true"])
    assert {page.status for machine in seen.pages.values() for page in machine} == {0}
    assert sorted(seen.pages) == ["worker2", "workstation"], seen.unobserved
    assert list(seen.unobserved) == ["pages/worker1"]
    assert "the answer did not end" in seen.unobserved["pages/worker1"]
    assert took < 10
