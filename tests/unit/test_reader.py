"""The edge's reader of a registry that answers only the OCI API, against a registry of this file that can misbehave."""

import asyncio
import json
from base64 import b64encode

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from test_edge import CONFIG, DIFFS, IMAGE, INDEX, RUNS, digest_of, ref

from labkit.edge import reader
from labkit.edge.reader import Address, Held, Reader, Unreadable
from labkit.edge.shelf import fingerprint
from labkit.edge.summary import unknown
from labkit.seen.registries import Manifest


class Registry:
    """`repositories`: {name: {tag: manifest}}; `blobs`: by digest. `answers` replaces what is answered to a path."""

    def __init__(self, page=1000):
        self.repositories, self.blobs, self.answers = {}, {}, {}
        self.page, self.auth, self.asked, self.agents = page, None, [], set()
        self.no_header, self.slow = False, False

    def put(self, name, manifest, *tags):
        content = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        self.blobs[digest_of(content)] = content
        self.repositories.setdefault(name, {}).update(dict.fromkeys(tags, digest_of(content)))
        return digest_of(content)

    def blob(self, value):
        content = json.dumps(value).encode()
        self.blobs[digest_of(content)] = content
        return {"digest": digest_of(content), "size": len(content)}

    async def answer(self, request):
        await self.wait()
        self.asked.append(f"{request.method} {request.path}")
        self.agents.add(request.headers["User-Agent"])
        if self.auth and request.headers.get("Authorization") != self.auth:
            return web.json_response({}, status=401)
        if request.path in self.answers:
            return self.answers[request.path]()
        parts = request.path.removeprefix("/v2/").split("/")
        if parts[-1] == "_catalog":
            return self.paged(request, "repositories", sorted(self.repositories))
        if parts[-1] == "list":
            return self.paged(request, "tags", sorted(self.repositories["/".join(parts[:-2])]) or None)
        named = self.repositories["/".join(parts[:-2])].get(parts[-1], parts[-1])
        if named not in self.blobs:
            return web.Response(status=404)
        if parts[-2] == "manifests" and IMAGE not in request.headers["Accept"]:
            return web.Response(status=406)
        headers = {} if self.no_header else {"Docker-Content-Digest": named}
        return web.Response(body=self.blobs[named], headers=headers)

    async def wait(self):
        if self.slow:
            await asyncio.Event().wait()

    def paged(self, request, field, names):
        if names is None:
            return web.json_response({field: None})
        rest = [name for name in names if name > request.query.get("last", "")]
        more = len(rest) > self.page
        link = {"Link": f'<{request.path}?last={rest[self.page - 1]}>; rel="next"'} if more else {}
        return web.json_response({field: rest[: self.page]}, headers=link)

    def looked_at(self, by=None, times=1, user=""):
        """What a reader finds here, and the key under which it does."""

        async def look():
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self.answer)
            async with TestServer(app) as server:
                address = Address.parse(f"http://{user}127.0.0.1:{server.port}")
                for _ in range(times):
                    found = await (by or Reader()).look([address, address])
                assert list(found) == [f"127.0.0.1:{server.port}"]
                return found[address.key]

        return asyncio.run(look())

    def refusal(self, **how):
        found = self.looked_at(**how)
        assert isinstance(found, Unreadable), found
        return str(found)


@pytest.fixture
def registry():
    return Registry()


def an_image(registry, **more):
    config = registry.blob({"created": "2026-01-01T00:00:00Z", "rootfs": {"diff_ids": DIFFS}, "config": RUNS})
    return {"mediaType": IMAGE, "config": {**config, "mediaType": CONFIG}, "layers": [ref("layer")], **more}


def test_a_whole_registry_page_by_page(registry):
    registry.page = 2
    for number in range(5):
        registry.put(f"team/app{number}", an_image(registry), *(f"v{tag}" for tag in range(5)))
    child = registry.put("team/many", an_image(registry, annotations={"n": "1"}))
    index = registry.put("team/many", {"mediaType": INDEX, "manifests": [{"digest": child}, ref("not here")]}, "all")
    registry.repositories["team/empty"] = {}
    found = registry.looked_at()
    assert list(found.repositories) == [*(f"team/app{number}" for number in range(5)), "team/many"]
    assert list(found.repositories["team/app4"]) == [f"v{tag}" for tag in range(5)]
    image = found.repositories["team/app0"]["v0"]
    assert set(found.manifests) == {image, child, index}
    assert found.manifests[image]["fingerprint"] == fingerprint(DIFFS, RUNS)
    assert found.manifests[index]["manifests"][0] == child
    msgspec.convert(found.manifests, dict[str, Manifest], strict=True)
    assert registry.agents == {"labkit-grader"}


def test_a_manifest_is_read_once(registry):
    registry.put("app", an_image(registry), "v1", "v2")
    registry.looked_at(by=Reader(), times=3)
    assert (
        len([asked for asked in registry.asked if asked.startswith("GET") and "sha256" in asked]) == 2
    )  # and its config


def test_a_registry_that_names_no_digest(registry):
    registry.no_header = True
    digest = registry.put("app", an_image(registry), "v1")
    found = registry.looked_at()
    assert found.repositories == {"app": {"v1": digest}}
    assert found.manifests[digest]["kind"] == "image"


def test_a_sign_in_is_used_and_never_told(registry):
    registry.auth = "Basic " + b64encode(b"me:s3cret/:@").decode()
    registry.put("app", an_image(registry), "v1")
    assert isinstance(registry.looked_at(user="me:s3cret%2F%3A%40@"), Held)
    assert registry.refusal(user="me:wr0ng@").endswith("answers GET /v2/_catalog with 401.")
    address = Address.parse("http://me:s3cret@my-registry:5000")
    assert "s3cret" not in f"{address!r} {address.url} {address.key}"


def test_a_sign_in_does_not_follow_a_blob_to_another_place(registry):
    heard = []
    manifest = an_image(registry)
    registry.put("app", manifest, "v1")
    config = manifest["config"]["digest"]
    content = registry.blobs.pop(config)

    async def keep(request):
        heard.append(request.headers.get("Authorization"))
        return web.Response(body=content)

    async def look():
        app = web.Application()
        app.router.add_get("/{path:.*}", keep)
        async with TestServer(app) as other:
            registry.answers[f"/v2/app/blobs/{config}"] = lambda: web.Response(
                status=307, headers={"Location": f"http://127.0.0.1:{other.port}/config"}
            )
            return await asyncio.to_thread(registry.looked_at, user="me:s3cret@")

    found = asyncio.run(look())
    assert [held["kind"] for held in found.manifests.values()] == ["image"]
    assert heard == [None]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("http://my-registry:5000", "my-registry:5000"),
        ("http://My-Registry:5000/", "my-registry:5000"),
        ("https://registry.example", "registry.example:443"),
        ("http://[::1]:5000", "[::1]:5000"),
    ],
)
def test_addresses(text, key):
    assert Address.parse(text).key == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "my-registry:5000",
        "ftp://a:1",
        "http://",
        "http://a:x",
        "http://a:99999",
        "http://a/v2",
        "http://a?b",
        "http://u:s3cret@",
    ],
)
def test_what_is_no_address(text):
    with pytest.raises(ValueError, match="a registry's address is") as error:
        Address.parse(text)
    assert "s3cret" not in str(error.value)


def test_a_registry_that_is_not_there_is_told():
    found = asyncio.run(Reader().look([Address.parse("http://127.0.0.1:1")]))
    assert str(found["127.0.0.1:1"]).startswith("127.0.0.1:1 does not answer: ")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: web.Response(text="nonsense"), "is no list of repositories"),
        (lambda: web.json_response([1]), "is no list of repositories"),
        (lambda: web.json_response({"repositories": [1]}), "is no list of repositories"),
        (lambda: web.json_response({"repositories": ["../../etc"]}), "'../../etc', which is no repository's name"),
        (
            lambda: web.json_response({"repositories": [f"a{n}" for n in range(501)]}),
            "holds more than 500 repositories",
        ),
        (lambda: web.Response(status=500), "answers GET /v2/_catalog with 500"),
        (lambda: web.Response(status=404), "has no /v2/_catalog"),
        (lambda: web.Response(status=307, headers={"Location": "http://127.0.0.1:1/"}), "with 307"),
        (lambda: web.Response(body=b" " * 5 * 1024**2), "is no list of repositories"),
        (
            lambda: web.json_response({"repositories": ["a"]}, headers={"Link": '<http://127.0.0.1:1/>; rel="next"'}),
            "leads to another address",
        ),
    ],
)
def test_a_catalogue_that_is_odd(registry, answer, why):
    registry.answers["/v2/_catalog"] = answer
    assert why in registry.refusal()


def test_pages_that_lead_round_in_a_circle_end(registry):
    digest = registry.put("app", an_image(registry), "v1")
    again = {"Link": '</v2/_catalog>; rel="next"'}
    registry.answers["/v2/_catalog"] = lambda: web.json_response({"repositories": ["app"]}, headers=again)
    assert registry.looked_at().repositories == {"app": {"v1": digest}}


def test_tags_that_are_odd(registry):
    registry.put("app", an_image(registry), "v1")
    registry.answers["/v2/app/tags/list"] = lambda: web.json_response({"tags": ["../x"]})
    assert "'../x', which is no tag" in registry.refusal()
    registry.answers["/v2/app/tags/list"] = lambda: web.json_response({"tags": [f"v{n}" for n in range(2001)]})
    assert "holds more than 2000 tags" in registry.refusal()
    registry.answers["/v2/app/tags/list"] = lambda: web.Response(status=404)
    assert registry.looked_at() == Held({}, {})


def test_what_has_not_the_digest_that_it_was_asked_for_by_is_not_believed(registry):
    digest = registry.put("app", an_image(registry), "v1")
    registry.blobs[digest] = json.dumps(an_image(registry, annotations={"forged": "yes"})).encode()
    assert registry.looked_at().manifests == {digest: unknown()}


def test_a_config_that_is_forged_makes_no_image(registry):
    manifest = an_image(registry)
    digest = registry.put("app", manifest, "v1")
    registry.blobs[manifest["config"]["digest"]] = b'{"rootfs": {"diff_ids": []}}'
    assert registry.looked_at().manifests[digest]["kind"] == "unknown"


def test_more_than_a_look_may_read(registry, monkeypatch):
    monkeypatch.setattr(reader, "BYTES", 1000)
    registry.put("app", an_image(registry, annotations={"a": "x" * 2000}), "v1")
    assert "answers with more than 0 MB" in registry.refusal()


def test_a_registry_that_takes_its_time(registry, monkeypatch):
    monkeypatch.setattr(reader, "SECONDS", 0.2)

    registry.slow = True
    assert "did not tell what it holds within 0 s" in registry.refusal()
