"""Docker Hub as a learner meets it, by docker and by the commands that Docker's documentation prints."""

import json

import pytest
from helpers import labkit, shell, until

APP = "myusername/hubtest"
LOGIN = "docker login -u myusername -p mypassword 2>/dev/null; "
API = "https://hub.docker.com/v2"


def pushed(lab):
    """The lab, with a public image at APP:v1, pushed by the learner, who has signed out."""
    told = shell(lab, f"{LOGIN} docker tag myapp {APP}:v1 && docker push -q {APP}:v1 && docker logout")
    assert told.returncode == 0, told.stderr
    return lab


@pytest.fixture
def fresh(lab):
    """With machines that have pulled nothing yet: an engine that knows a manifest does not ask for it again."""
    return pushed(lab)


@pytest.fixture
def hub(running_lab):
    yield pushed(running_lab)
    images = f"docker rmi -f {APP}:v1 {APP}:dev busybox 2>/dev/null; "
    shell(
        running_lab,
        f"docker logout; {images} docker --context worker1 rmi -f {APP}:v1; docker --context worker2 rmi -f {APP}:v1",
    )
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/remove", {"repositories": [["hub", APP]]})
        wire.request("POST", "/forget", {"registries": ["hub"]})


def typed(script):
    """In a shell on the workstation."""
    told = labkit("shell", "workstation", "bash", "-ec", script, check=0)
    return told.stdout


def refused(lab, script):
    told = shell(lab, script)
    assert told.returncode != 0, told.stdout
    return told.stderr.strip().splitlines()[-1]


DENIED = (
    f"Error response from daemon: pull access denied for {APP}, repository does not exist or may require 'docker login': "
    "denied: requested access to the resource is denied"
)
LIMITED = "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "


def test_the_limit_of_pulls_as_dockers_documentation_shows_it(fresh):
    """Its own lines with curl and jq; what is left goes down with each pull, and not with a look."""
    # "ratelimitpreview/test" is the image that the documentation names.
    token = """TOKEN=$(curl {} "https://auth.docker.io/token?service=registry.docker.io&scope=repository:ratelimitpreview/test:pull" \
| jq -r .token)
curl --head -H "Authorization: Bearer $TOKEN" https://registry-1.docker.io/v2/ratelimitpreview/test/manifests/latest"""

    def told(as_whom=""):
        lines = typed(token.format(as_whom)).splitlines()
        found = dict(line.lower().strip().split(": ", 1) for line in lines if "ratelimit" in line.lower())
        return found["ratelimit-limit"], found["ratelimit-remaining"], found["docker-ratelimit-source"]

    assert "without an account: 100, signed in: 200" in labkit("limit", "hub", "--off", check=0).stdout
    mine = fresh.parts["workstation"].address
    assert told() == told() == ("100;w=21600", "100;w=21600", mine)
    assert told("--user 'myusername:mypassword'") == ("200;w=21600", "200;w=21600", "myusername")
    assert shell(fresh, "docker pull -q busybox && docker pull -q busybox").returncode == 0
    assert told()[1] == "99;w=21600"  # the second one was up to date: only a look
    seen = json.loads(labkit("limit", "docker.io", "--json", check=0).stdout)
    assert (seen["pulls"], seen["changed"], seen["used"]) == (100, False, {"workstation": 1})


def test_a_lesson_lets_the_limit_be_met(fresh):
    from labkit.lab.looking.observe import observe
    from labkit.lab.playing.reset import reset_all

    assert "a lesson's limit" in labkit("limit", "hub", "--pulls", "1", check=0).stdout
    assert shell(fresh, "docker --context worker1 pull -q busybox").returncode == 0
    last = refused(fresh, f"docker --context worker1 pull -q {APP}:v1")
    assert LIMITED in last and last.endswith("https://www.docker.com/increase-rate-limits")
    assert shell(fresh, f"docker --context worker2 pull -q {APP}:v1").returncode == 0  # another address
    assert shell(fresh, f"{LOGIN} docker --context worker1 pull -q {APP}:v1").returncode == 0  # signed in
    assert "worker1 has used 1." in labkit("limit", "hub", check=0).stdout
    lab = observe(fresh, ["registries", "log"])
    found = [event for event in lab.log.events if event.reason == "rate-limit" and event.repository == APP]
    assert [(event.machine, event.status, event.user) for event in found] == [("worker1", 429, None)]
    assert labkit("limit", "hub", "--off", "--pulls", "3", check=2).stderr
    assert "only hub has a limit" in labkit("limit", "harbor", "--pulls", "3", check=2).stderr
    reset_all(fresh)
    assert json.loads(labkit("limit", "hub", "--json", check=0).stdout)["changed"] is False


def test_a_private_repository_needs_a_sign_in_on_each_node(hub):
    from labkit.lab.looking.observe import observe

    assert f"{APP} is private." in labkit("private", APP, "--on", check=0).stdout
    assert observe(hub, ["registries"]).registries.known["hub"].private == (APP,)
    assert refused(hub, f"docker --context worker1 pull {APP}:v1") == DENIED
    other = "docker login -u colleague -p theirpassword 2>/dev/null; "
    assert refused(hub, f"{other} docker --context worker1 pull {APP}:v1") == DENIED
    events = observe(hub, ["registries", "log"]).log.events
    found = [(one.user, one.status) for one in events if one.reason == "private" and one.repository == APP]
    assert found == [
        (None, 401),
        ("colleague", 401),
    ]
    create = f"docker service create -d -q --name hubtest --replicas 2 --constraint node.role==worker {{}} {APP}:v1 sleep 600"
    states = "docker service ps hubtest --format '{{.CurrentState}} {{.Error}}'"
    assert shell(hub, LOGIN + create.format("")).returncode == 0
    until(lambda: "No such image" in shell(hub, states).stdout, "the nodes are refused")
    assert shell(hub, f"docker service rm hubtest && {create.format('--with-registry-auth')}").returncode == 0
    until(lambda: shell(hub, states).stdout.count("Running") >= 2, "both tasks run")
    shell(hub, "docker service rm hubtest")
    assert f"{APP} is public." in labkit("private", f"docker.io/{APP}", "--off", check=0).stdout


def test_an_immutable_tag_in_the_hubs_words(hub):
    from labkit.lab.looking.observe import observe

    told = labkit("immutable", APP, "--on", "--pattern", "^v", check=0).stdout
    assert told.strip() == f"{APP}: tags like ^v are immutable."
    assert observe(hub, ["registries"]).registries.known["hub"].immutable == {APP: ("^v",)}
    assert shell(hub, f"{LOGIN} docker push {APP}:v1").returncode == 0  # the same image
    other = f"docker pull -q busybox; docker tag busybox {APP}:v1; docker tag busybox {APP}:dev; "
    last = refused(hub, f"{LOGIN} {other} docker push {APP}:v1")
    assert last == (
        "denied: requested access to the resource is denied - This tag is already assigned to an image in this repository and "
        "cannot be updated due to immutability settings. To push this image, use a different tag."
    )
    assert "is immutable" in labkit("explain", last, check=0).stdout
    assert (
        shell(hub, f"docker push -q {APP}:dev && docker tag myapp {APP}:dev && docker push -q {APP}:dev").returncode
        == 0
    )
    labkit("immutable", APP, "--off", check=0)
    assert shell(hub, f"docker push -q {APP}:v1").returncode == 0
    assert "only Docker Hub" in labkit("immutable", "harbor.lab/shop/app", check=2).stderr
    assert "no repository of an account" in labkit("immutable", "library/busybox", check=2).stderr
    assert "is no pattern of RE2: missing ): (" in labkit("immutable", APP, "--pattern", "(", check=2).stderr


def test_an_access_token_is_made_and_used_as_the_documentation_of_the_api_says(hub):
    def token(scope, **more):
        body = json.dumps({"token_label": scope, "scopes": [scope], **more})
        lines = f"""
T=$(curl -s {API}/auth/token -H 'Content-Type: application/json' \
  -d '{{"identifier": "myusername", "secret": "mypassword"}}' | jq -r .access_token)
curl -s {API}/access-tokens -H "Authorization: Bearer $T" -H 'Content-Type: application/json' -d '{body}' | jq -r .token
"""
        return f"echo {typed(lines).strip()} | docker login -u myusername --password-stdin 2>/dev/null; "

    reads = token("repo:read")
    assert shell(hub, f"{reads} docker pull -q {APP}:v1").returncode == 0
    last = refused(hub, f"docker push {APP}:v1")
    assert last == "unauthorized: access token has insufficient scopes"
    assert "created for less" in labkit("explain", last, check=0).stdout
    writes = token("repo:write", expires_at="2099-01-01T00:00:00Z")
    assert shell(hub, f"{writes} docker push -q {APP}:v1").returncode == 0
    assert "days have passed" in labkit("expire", "hub", check=0).stdout
    assert refused(hub, f"docker push {APP}:v1").endswith("unauthorized: personal access token is expired")
    assert shell(hub, f"{LOGIN} docker push -q {APP}:v1").returncode == 0
    real = refused(hub, f"docker login -u myusername -p dckr_pat_{'aB3-_' * 6}")
    assert "takes no real credential" in real
    shell(hub, "docker logout")


def test_settings_go_with_the_repository_when_an_exercise_is_reset(hub):
    from labkit.lab.looking.observe import observe
    from labkit.lab.playing import clearing
    from labkit.lab.playing.scope import Scope

    labkit("private", APP, "--on", check=0)
    labkit("private", "myusername/hubtest2", "--on", check=0)  # nothing was ever pushed to it
    labkit("private", "myusername/other", "--on", check=0)
    with hub.wire("edge") as wire:
        clearing.repositories(wire, Scope(repositories=("hubtest*",)))
    found = observe(hub, ["registries"]).registries.known["hub"]
    assert found.private == ("myusername/other",) and APP not in found.repositories
