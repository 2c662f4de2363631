"""What the edge tells of the store and of a registry of the learner's own, against the real ones."""

import json
import re

import pytest

CONTENT = """
import asyncio, hashlib, json, ssl
import aiohttp

OCI, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
HUB = "https://registry-1.docker.io"

async def main():
    tls = ssl.create_default_context(cafile="/lab/pki/hub-ca.pem")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as hub:
        auth, head = aiohttp.BasicAuth("myusername", "mypassword"), {}

        async def sign_in(name, actions):
            scope = {"scope": f"repository:{name}:{actions}", "service": "registry.docker.io"}
            async with hub.get("https://auth.docker.io/token", params=scope, auth=auth) as answer:
                head["Authorization"] = "Bearer " + (await answer.json())["token"]

        async def begin(name):
            async with hub.post(f"{HUB}/v2/{name}/blobs/uploads/", headers=head) as answer:
                return answer.headers["Location"]

        async def blob(name, data):
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            async with hub.put(HUB + await begin(name) + f"&digest={digest}", data=data, headers=head) as answer:
                assert answer.status == 201, await answer.text()
            return {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": len(data)}

        async def put(name, tag, manifest):
            body = json.dumps({"schemaVersion": 2, **manifest}).encode()
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            kind = {"Content-Type": manifest["mediaType"], **head}
            async with hub.put(f"{HUB}/v2/{name}/manifests/{tag or digest}", data=body, headers=kind) as answer:
                assert answer.status == 201, await answer.text()
            return {"mediaType": manifest["mediaType"], "digest": digest, "size": len(body)}

        async def image(name, tag, layer, **more):
            about = json.dumps({"os": "linux", "architecture": layer, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
            config = {**await blob(name, about), "mediaType": "application/vnd.oci.image.config.v1+json"}
            return await put(name, tag, {"mediaType": OCI, "config": config, "layers": [await blob(name, layer.encode())], **more})

        told = {}
        name = "myusername/mixed"
        await sign_in(name, "pull,push")
        told["old"] = await image(name, "v1", "old")
        told["new"] = await image(name, "v1", "new")
        told["child"] = await image(name, "", "child")
        told["index"] = await put(name, "all", {"mediaType": INDEX, "manifests": [told["child"]]})
        told["sbom"] = await image(name, "", "sbom", subject=told["new"], artifactType="application/spdx+json")
        told["lost"] = await blob(name, b"a layer of which no manifest came")
        place = await begin(name)
        async with hub.patch(HUB + place, data=b"interrupted", headers=head) as answer:
            assert answer.status == 202

        # A repository that has a layer and no tag: its owner, who asks to pull only, gets the layer and is told of no manifest.
        name = "myusername/begun"
        await sign_in(name, "pull,push")
        begun = await blob(name, b"begun")
        await sign_in(name, "pull")
        async with hub.get(f"{HUB}/v2/{name}/blobs/{begun['digest']}", headers=head) as answer:
            told["blob"] = answer.status
        async with hub.get(f"{HUB}/v2/{name}/manifests/v1", headers=head) as answer:
            told["manifest"] = answer.status
        await sign_in("myusername/never", "pull")
        async with hub.get(f"{HUB}/v2/myusername/never/manifests/v1", headers=head) as answer:
            told["never"] = answer.status
        print(json.dumps(told))

asyncio.run(main())
"""


def on(lab, machine, *command):
    from labkit.lab.lifecycle import machines

    return machines.execute(lab.engine, lab.parts[machine].id, list(command))


def collected(lab, *options):
    """What the real registry would free."""
    told = on(lab, "edge", "docker-registry", "garbage-collect", *options, "/lab/store.yml")
    return set(re.findall(r"blob eligible for deletion: (\S+)", told))


@pytest.fixture
def mixed(lab):
    """The lab, and the descriptors of what was pushed to myusername/mixed."""
    return lab, json.loads(on(lab, "workstation", "python3", "-c", CONTENT))


def test_garbage_is_what_the_real_registry_frees(mixed):
    from labkit.lab.looking.observe import observe

    lab, told = mixed
    with lab.wire("edge") as wire:  # a repository that was removed leaves its blobs behind
        wire.request("POST", "/remove", {"repositories": [["hub", "myusername/begun"]]})
    seen = observe(lab, ["registries", "store"])
    store, tags = seen.store, seen.registries.known["hub"].repositories["myusername/mixed"]
    digests = {name: told[name]["digest"] for name in ("old", "new", "child", "index", "sbom", "lost")}
    assert tags == {"v1": digests["new"], "all": digests["index"]}
    untagged = {digests[name] for name in ("old", "child", "sbom")}
    assert set(store.untagged("hub", "myusername/mixed", tags)) == untagged
    assert digests["sbom"] in seen.registries.manifests and digests["old"] not in seen.registries.manifests
    assert store.manifests[digests["sbom"]].subject == digests["new"]
    assert store.manifests[digests["old"]].size == len("old")

    assert set(store.garbage.digests) == collected(lab, "--dry-run") >= {digests["lost"]}
    more = collected(lab, "--dry-run", "--delete-untagged")
    assert set(store.garbage_untagged.digests) == more >= {digests["old"], digests["sbom"], *store.garbage.digests}
    assert collected(lab) == set(store.garbage.digests)
    after = observe(lab, ["store"]).store
    assert after.garbage.digests == () and after.garbage.size == 0
    assert sum(store.blobs.values()) - sum(after.blobs.values()) == store.garbage.size


def test_an_owner_looks_into_a_repository_that_has_no_tag_yet(mixed):
    _, told = mixed
    assert (told["blob"], told["manifest"]) == (200, 404)
    assert told["never"] == 404  # its own owner is told; clients that look before they push need it (oras)


OWN = """
set -eu
mkdir -p /tmp/own && cd /tmp/own
perl -e 'printf "me:%s\\n", crypt("s3cret", q($2y$05$abcdefghijklmnopqrstuu))' > htpasswd
cat > own.yml <<CONFIG
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /tmp/own/store}, delete: {enabled: true}}
auth: {htpasswd: {realm: own, path: /tmp/own/htpasswd}}
http: {addr: ":5443"}
CONFIG
setsid docker-registry serve own.yml > own.log 2>&1 < /dev/null &
echo $! > pid
skopeo copy -q --retry-times 9 --dest-tls-verify=false --dest-creds me:s3cret \
  docker-archive:/lab/myapp.tar docker://localhost:5443/team/myapp:v1
skopeo copy -q --dest-tls-verify=false --dest-creds me:s3cret -f oci \
  docker-archive:/lab/myapp.tar docker://localhost:5443/team/myapp:oci
"""


def test_a_registry_of_the_learners_own_is_read_by_its_api(lab):
    import msgspec

    from labkit.seen.registries import Registries

    on(lab, "worker1", "sh", "-c", OWN)
    try:
        with lab.wire("edge") as wire:
            before = list(wire.get("/observation?sections=registries")["registries"]["known"])
            told = wire.get("/observation?sections=registries&own=http://me:s3cret@worker1:5443&own=http://worker2:9")
            refused = wire.get("/observation?sections=registries&own=http://me:wr0ng@worker1:5443")
    finally:
        on(lab, "worker1", "sh", "-c", "kill $(cat /tmp/own/pid); rm -r /tmp/own")
    seen = msgspec.convert(told["registries"], Registries, strict=True)
    own = seen.known["worker1:5443"]
    assert list(seen.known) == [*before, "worker1:5443"]  # a vendor's registry is told of once somebody has used it
    assert (own.title, own.host, own.hosts) == ("worker1:5443", "worker1:5443", ("worker1",))
    assert set(own.repositories["team/myapp"]) == {"v1", "oci"}
    assert {seen.manifests[digest].fingerprint for digest in own.repositories["team/myapp"].values()} == {seen.sample}
    assert list(told["unobserved"]) == ["registries/worker2:9"]
    assert refused["unobserved"] == {"registries/worker1:5443": "worker1:5443 answers GET /v2/_catalog with 401."}
    assert list(refused["registries"]["known"]) == before
