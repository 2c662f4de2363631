"""What is tried on Nexus' own ways: a port's rights at another, its API, and a group as a way into what it does not have."""

import base64
import json

import pytest
from by_hand import OCI, Registry, digest_of, forget

attack = pytest.mark.attack


class Port(Registry):
    """Signs in with each request."""

    def __init__(self, lab, port, user=None, password=None):
        super().__init__(lab, (f"nexus.lab:{port}", port), user)
        if user:
            self.head = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    def api(self, method, path, body=None):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(method, f"/service/rest/v1{path}", data, Content_Type="application/json")


@pytest.fixture
def lab(running_lab):
    anew(running_lab)
    yield running_lab
    forget(running_lab, "team/app", registry="nexus-hosted")
    anew(running_lab)


def anew(lab):
    with lab.wire("edge") as wire:
        wire.request("POST", "/forget", {"registries": ["nexus"]})


@attack("protocol", "Nexus' API by nobody, by another, by a wrong password, and at another port", "401, 403 or 404")
def test_only_the_admin_changes_anything(lab):
    for method, path, body in (
        ("POST", "/repositories/docker/hosted", {"name": "more"}),
        ("PUT", "/repositories/docker/hosted/docker-hosted", {"storage": {"writePolicy": "deny"}}),
        ("PUT", "/security/realms/active", ["NexusAuthenticatingRealm", "DockerToken"]),
        ("DELETE", "/repositories/docker-hosted", None),
    ):
        assert Port(lab, 8081).api(method, path, body).status == 401
        assert Port(lab, 8081, "admin", "wrong").api(method, path, body).status == 401
        assert Port(lab, 8081, "myusername", "mypassword").api(method, path, body).status == 403
        assert Port(lab, 8082, "admin", "admin123").api(method, path, body).status == 404
    admin = Port(lab, 8081, "admin", "admin123")
    assert admin.api("GET", "/security/realms/active").json == ["NexusAuthenticatingRealm"]
    assert len(admin.api("GET", "/repositories").json) == 3


@attack("protocol", "a push, a mount and a deletion by Nexus' group, and a pull by nobody", "403 and 401")
def test_a_group_is_read_only(lab):
    group, hosted = Port(lab, 8083, "admin", "admin123"), Port(lab, 8082, "myusername", "mypassword")
    digest = hosted.image("team/app", "v1", b"{}")
    assert group.ask("POST", "/v2/team/app/blobs/uploads/").status == 403
    mount = f"/v2/team/app/blobs/uploads/?mount={digest_of(b'layer')}&from=library/busybox"
    assert group.ask("POST", mount).status == 403
    for name in ("team/app", "library/busybox"):
        assert group.ask("DELETE", f"/v2/{name}/manifests/{digest}").status == 403
        assert Port(lab, 8083).ask("GET", f"/v2/{name}/manifests/latest").status == 401
        assert Port(lab, 8082).ask("GET", f"/v2/{name}/manifests/latest").status == 401
    assert group.ask("GET", "/v2/team/app/manifests/v1", Accept=OCI).status == 200
    assert Port(lab, 8081, "admin", "admin123").ask("GET", "/v2/team/app/manifests/v1").status == 404


@attack("protocol", "bodies of 1 MB, of no JSON, of the wrong types at Nexus' API", "4xx; the next one is served")
def test_odd_requests_to_the_api(lab):
    admin = Port(lab, 8081, "admin", "admin123")
    assert admin.api("POST", "/repositories/docker/hosted", b" " * 1_000_000).status == 413
    path = "/repositories/docker/hosted/docker-hosted"
    for body in (b"[" * 60_000, b"\xff", b"[]", b'{"name": {}}', {"name": "x", "docker": {"httpPort": {}}}):
        assert admin.api("POST", "/repositories/docker/hosted", body).status == 400
    for storage in ({"writePolicy": []}, {"writePolicy": "x"}, {"latestPolicy": {}}):
        assert admin.api("PUT", path, {"storage": storage}).status == 400
    for odd in (
        "/repositories/docker/hosted/%2e%2e",
        "/nothing",
        "/components?repository=%00",
        "/repositories/docker/x/y",
    ):
        assert 400 <= admin.api("GET", odd).status < 500, odd
    assert admin.api("GET", path).json["storage"]["writePolicy"] == "allow"
