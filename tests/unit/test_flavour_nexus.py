"""Nexus: connectors, deployment policies, realms and a group, in its own words."""

import pytest
from test_flavours import asked

from labkit.edge.facts import registries
from labkit.edge.flavours import flavours
from labkit.edge.flavours.base import Refusal, View
from labkit.edge.flavours.routes import Call

HELD = {
    "nexus-hosted": {"team/app": {"v1": "sha256:1", "latest": "sha256:1"}, "library/busybox": {"own": "sha256:2"}},
    "hub": {"library/busybox": {"latest": "sha256:3"}},
}


class Shelf:
    def exists(self, key, name):
        return bool(self.tags(key, name))

    def tags(self, key, name):
        return HELD.get(key, {}).get(name, {})

    def repositories(self, key):
        return HELD.get(key, {})

    def has_manifest(self, key, name, digest):
        return digest in self.tags(key, name).values()

    def layer(self, key, name, digest):
        return digest if self.has_manifest(key, name, digest) else None


SHELF = Shelf()
REALMS = ["NexusAuthenticatingRealm", "DockerToken"]


@pytest.fixture
def known(tmp_path):
    return flavours(tmp_path)


@pytest.fixture
def rest(known):
    """Asks the API: (method, path, body, user, query) gives a reply."""

    def ask(method, path, body=None, user="admin", **query):
        answer, parts = known["nexus"].routes.find(method, f"/service/rest/v1{path}")
        return answer(known["nexus"], Call(method, path, parts, query, body, user, SHELF))

    return ask


def test_each_port_is_a_registry_of_its_own():
    found = registries()
    for port, key in ((8081, "nexus"), (8082, "nexus-hosted"), (8083, "nexus-group")):
        assert [each for each, facts in found.items() if facts.answers_to(f"Nexus.lab:{port}")] == [key]
    assert not any(facts.answers_to("nexus.lab") for facts in found.values())


def test_bearer_needs_the_realm_and_a_repository_that_does_not_force_basic(known, rest):
    basic = 'BASIC realm="Sonatype Nexus Repository Manager"'
    bearer = 'Bearer realm="https://nexus.lab:8082/v2/token",service="https://nexus.lab:8082/v2/token"'
    hosted = known["nexus-hosted"]
    assert rest("GET", "/security/realms/active").body == ["NexusAuthenticatingRealm"]
    assert hosted.challenge() == known["nexus-group"].challenge() == basic
    assert rest("PUT", "/security/realms/active", REALMS).status == 204
    assert rest("GET", "/security/realms/active").body == REALMS
    assert hosted.challenge() == bearer
    path = "/repositories/docker/hosted/docker-hosted"
    assert rest("PUT", path, {"docker": {"forceBasicAuth": True}}).status == 204
    assert hosted.challenge() == basic and "8083" in known["nexus-group"].challenge()
    assert rest("PUT", "/security/realms/active", REALMS[1:]).status == 400
    assert rest("PUT", "/security/realms/active", ["x", {}]).status == 400
    assert {"id": "DockerToken", "name": "Docker Bearer Token Realm"} in rest("GET", "/security/realms/available").body


def test_deployment_policies(known, rest):
    hosted, path = known["nexus-hosted"], "/repositories/docker/hosted/docker-hosted"

    def forbidden(tag, action="push", kind="manifests"):
        return hosted.forbids(asked(hosted, SHELF, action, "team/app", tag, "myusername", kind))

    assert forbidden("v1") is None
    assert rest("PUT", path, {"storage": {"writePolicy": "ALLOW_ONCE"}}).status == 204
    assert rest("GET", path).body["storage"]["writePolicy"] == "allow_once"
    told = forbidden("v1")
    assert (told.status, told.code, told.message) == (400, "BLOB_UPLOAD_INVALID", "blob upload invalid")
    assert told.detail == "Repository does not allow updating assets: docker-hosted"
    assert forbidden("v2") is forbidden("v1", "pull") is forbidden("uploads/", kind="blobs") is None
    assert forbidden("latest").status == 400
    rest("PUT", path, {"storage": {"latestPolicy": True}})
    assert forbidden("latest") is None and forbidden("v1").status == 400
    rest("PUT", path, {"storage": {"writePolicy": "deny"}})
    assert forbidden("v2").detail == "Repository is read only: docker-hosted"


def test_who_has_signed_in_pushes_to_hosted_and_nobody_to_the_group(known):
    hosted, group = known["nexus-hosted"], known["nexus-group"]
    assert hosted.allowed("myusername", View(SHELF, "nexus-hosted", "app")) == {"pull", "push", "delete"}
    assert hosted.allowed(None, View(SHELF, "nexus-hosted", "team/app")) == set()
    assert group.allowed("admin", View(SHELF, "hub", "app")) == {"pull"}
    told = group.denied(asked(group, SHELF, "push", "app", user="admin"))
    assert (told.status, told.code) == (403, "DENIED")
    assert told.message.startswith("Deploying to groups is a PRO-licensed feature. See https://links.sonatype.com/")
    told = group.denied(asked(group, SHELF, "push", "app"))
    assert (told.status, told.reason) == (401, "not-signed-in")
    assert isinstance(hosted.sign_in("admin", "wrong"), Refusal)
    assert hosted.sign_in("admin", "admin123").name == "admin"


def test_a_group_has_what_its_members_have_in_their_order(known, rest):
    group = known["nexus-group"]
    assert group.holder(SHELF, "team/app", "manifests", "v1") == "nexus-hosted"
    assert group.holder(SHELF, "library/busybox", "manifests", "latest") == "hub"
    assert group.holder(SHELF, "library/busybox", "manifests", "sha256:3") == "hub"
    assert group.holder(SHELF, "library/busybox", "blobs", "sha256:3") == "hub"
    assert group.holder(SHELF, "library/busybox", "tags", "list") == "nexus-hosted"
    assert group.holder(SHELF, "none", "manifests", "v1") == "nexus-group"
    path = "/repositories/docker/group/docker-group"
    assert rest("PUT", path, {"group": {"memberNames": ["docker-proxy"]}}).status == 204
    assert group.holder(SHELF, "library/busybox", "tags", "list") == "hub"
    assert group.holder(SHELF, "team/app", "manifests", "v1") == "nexus-group"
    for odd in ([], "x", ["none"], [{}], ["docker-group"]):
        assert rest("PUT", path, {"group": {"memberNames": odd}}).status == 400


def test_repositories_are_made_changed_and_removed_by_the_admin(known, rest):
    body = {"name": "more", "online": True, "storage": {"writePolicy": "allow_once"}, "docker": {"v1Enabled": False}}
    assert rest("POST", "/repositories/docker/hosted", body, None).status == 401
    assert rest("POST", "/repositories/docker/hosted", body, "myusername").status == 403
    assert not known["nexus"].in_use
    assert rest("POST", "/repositories/docker/hosted", body).status == 201
    assert known["nexus"].in_use and not known["nexus-hosted"].in_use
    assert rest("POST", "/repositories/docker/hosted", body).status == 400
    told = rest("GET", "/repositories/docker/hosted/more").body
    assert (told["name"], told["docker"]["forceBasicAuth"], told["docker"]["httpPort"]) == ("more", True, None)
    assert rest("GET", "/repositories/docker/proxy/more").status == 404
    assert rest("GET", "/components", repository="more").body["items"] == []
    taken = rest("POST", "/repositories/docker/hosted", {"name": "x", "docker": {"httpPort": 8082}})
    assert taken.status == 400 and "8082" not in rest("GET", "/repositories").body
    assert [one["name"] for one in rest("GET", "/repositories").body] == [
        *("docker-group", "docker-hosted", "docker-proxy", "more")
    ]
    assert rest("DELETE", "/repositories/more").status == 204
    assert rest("DELETE", "/repositories/more").status == 404
    assert rest("DELETE", "/repositories/docker-hosted").status == 400
    proxy = {"name": "p", "proxy": {"remoteUrl": "https://ghcr.io"}}
    assert rest("POST", "/repositories/docker/proxy", proxy).status == 400


@pytest.mark.parametrize("body", [None, [], {}, {"name": ""}, {"name": "a/b"}, {"name": "_a"}, {"name": 7}])
def test_a_repository_that_cannot_be_is_refused(rest, body):
    assert rest("POST", "/repositories/docker/hosted", body).status == 400


@pytest.mark.parametrize("part", [{"httpPort": 5000}, {"httpPort": "8082"}, {"httpPort": [1]}, {"forceBasicAuth": 1}])
def test_odd_settings_are_refused(rest, part):
    assert rest("POST", "/repositories/docker/hosted", {"name": "x", "docker": part}).status == 400


def test_components_are_what_was_pushed(rest):
    for repository in ("docker-hosted", "docker-group"):
        items = rest("GET", "/components", user="myusername", repository=repository).body["items"]
        assert {(item["name"], item["version"]) for item in items} == {
            *(("team/app", "v1"), ("team/app", "latest"), ("library/busybox", "own"))
        }
        assert items[0]["assets"][0]["checksum"] == {"sha256": "1"}
    assert rest("GET", "/components", repository="none").status == 404
    assert rest("GET", "/components").status == 422
    assert rest("GET", "/components", user=None, repository="docker-hosted").status == 401
