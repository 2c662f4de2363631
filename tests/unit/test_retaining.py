"""What a retention script should have kept, which mistake explains what it did, and the programs of the machine `depot`: by values."""

import http.client
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from world import World, sha

import labkit
from labkit.content import exercises
from labkit.content.facts import retaining
from labkit.grading.grade import grade_one
from labkit.seen.depot import NAMES, Depot, Held, Tried

sys.path.insert(0, str(Path(labkit.__file__).parent / "lab" / "image" / "depot"))
import front
import registries
import seed

SLUG = "09-cleanup"


def ran(gone=(), **fields):
    rest = {"code": 0, "seconds": 1.0, "why": "", "output": "", "deleted": len(gone), "refused": [], "untagged": []}
    return {**rest, "gone": sorted(gone), "pushed": False, **fields}


def told(registry):
    """A registry as a trial tells it before any run."""
    images = []
    for image in registry.images:
        tags = sorted(tag for tag, held in registry.tags.items() if held.digest == image.digest)
        images.append({"digest": image.digest, "tags": tags, "lists": list(image.lists), "created": image.created})
    pushed = {"digest": registry.pushed.digest, "tags": list(registry.pushed_tags)} if registry.pushed else None
    about = {"name": registry.name, "images": images, "deployed": registry.deployed, "page": registry.page}
    return {**about, "pushed": pushed, "first": ran(), "second": None}


ALL = {one.name: told(one) for one in registries.every()}


def wanted(name):
    one = msgspec.convert(ALL[name], Tried)
    return retaining.kept(one.images, one.deployed)


def rest(name):
    """What a right script deletes."""
    return {image["digest"] for image in ALL[name]["images"] if image["tags"]} - wanted(name).keys()


def digests(name, *tags):
    return {image["digest"] for image in ALL[name]["images"] if {*tags} & {*image["tags"]}}


class Cleaned(World):
    """A lab whose script did everything right, on each registry."""

    def __init__(self):
        super().__init__()
        tried = [
            {
                **one,
                "first": ran(rest(name), pushed=bool(one["pushed"])),
                "second": None if one["pushed"] else ran(rest(name)),
            }
            for name, one in ALL.items()
        ]
        trial = {"script": "x", "taken": "", "registries": tried}
        self.data["depot"] = {"there": True, "running": True, "script": "x", "trial": trial}

    def registry(self, name):
        return next(one for one in self.data["depot"]["trial"]["registries"] if one["name"] == name)

    def first(self, name, gone, **fields):
        one = self.registry(name)
        one["first"] = ran(gone, **{"pushed": bool(one["pushed"]), **fields})
        one["second"] = one["second"] and ran(gone)
        return self

    def verdicts(self):
        result = grade_one(exercises.load(SLUG), self.observation)
        return {check.id: check.diagnosis or check.outcome.value for check in result.checks}


SCRIPT = ("tried", "keeps", "deletes", "repeatable", "beside_push")


def test_a_script_that_did_everything_right_passes():
    found = Cleaned().verdicts()
    assert {check: found[check] for check in SCRIPT} == dict.fromkeys(SCRIPT, "passed")


@pytest.mark.parametrize("name", NAMES)
def test_each_registry_has_sixty_images_and_reasons_to_keep_some(name):
    assert len(ALL[name]["images"]) == registries.MANY
    assert retaining.VERSIONED in wanted(name).values()
    assert len(rest(name)) > 20


def test_what_is_kept_of_the_plain_registry():
    tags = {image["digest"]: image["tags"] for image in ALL["plain"]["images"]}
    kept = {
        tag: why for digest, why in wanted("plain").items() for tag in tags[digest] if not tag.startswith("sha256-")
    }
    expected = dict.fromkeys(("v1.12.0", "latest", "v1.10.0", "v1.9.0"), "version") | {
        "v1.4.0": "deployed",
        "v1.2.0": "signed",
    }
    assert kept == expected
    assert [*wanted("plain").values()].count("signature") == 2


def test_a_signed_index_keeps_its_parts_and_a_signature_without_an_image_goes():
    found = wanted("indexes")
    parts = digests("indexes", "v1.2.0-amd64", "v1.2.0-arm64", "v1.4.0-amd64")
    assert {found[digest] for digest in parts} == {"part"}
    assert not digests("indexes", "v1.6.0", "v1.6.0-amd64") & found.keys()


def held(*tags, lists=(), created="2026"):
    return Held(digest=sha(tags[0]), tags=tags, lists=lists, created=created)


@pytest.mark.parametrize(
    ("tags", "last"),
    [
        (["v1.9.0", "v1.10.0", "v1.2.0", "v0.99.99"], ["v1.10.0", "v1.2.0", "v1.9.0"]),
        (["v1.0.0", "v2.0.0-rc.1"], ["v1.0.0"]),
        (["1.0.0", "v1.0", "v1.0.0.0", "V1.0.0", "v1.0.0-amd64", "xv1.0.0"], []),
        (["v0.0.1", "v0.0.10", "v0.0.9", "v0.0.8"], ["v0.0.10", "v0.0.8", "v0.0.9"]),
    ],
)
def test_versions_are_ordered_by_their_numbers(tags, last):
    images = [held(tag) for tag in tags]
    assert sorted(tag for image in images for tag in image.tags if image.digest in retaining.kept(images, [])) == last


def test_a_digest_that_is_deployed_and_not_there_is_nobodys_loss():
    assert retaining.kept([held("a")], [sha("gone")]) == {}


LOST = {
    "retention-all-gone": ("plain", lambda: {image["digest"] for image in ALL["plain"]["images"]}),
    "retention-letters": (
        "plain",
        lambda: (rest("plain") | digests("plain", "v1.12.0", "v1.10.0")) - digests("plain", "v1.8.1", "v1.8.0"),
    ),
    "retention-pre-release": (
        "plain",
        lambda: (
            (rest("plain") | digests("plain", "v1.10.0", "v1.9.0"))
            - digests("plain", "v2.0.0-alpha", "v1.13.0-rc.1", "v1.13.0-beta")
        ),
    ),
    "retention-dates": (
        "plain",
        lambda: (rest("plain") | digests("plain", "v1.9.0", "v1.10.0")) - digests("plain", "v1.8.1", "v0.9.12"),
    ),
    "retention-shared": ("shared", lambda: rest("shared") | digests("shared", "nightly", "build-0001")),
    "retention-version": ("plain", lambda: rest("plain") | digests("plain", "v1.9.0")),
    "retention-deployed": ("plain", lambda: rest("plain") | digests("plain", "v1.4.0")),
    "retention-signed": ("plain", lambda: rest("plain") | digests("plain", "v1.2.0")),
    "retention-part": ("indexes", lambda: rest("indexes") | digests("indexes", "v1.4.0-arm64")),
}


@pytest.mark.parametrize("diagnosis", LOST)
def test_what_was_lost_is_explained(diagnosis):
    name, gone = LOST[diagnosis]
    assert Cleaned().first(name, gone()).verdicts()["keeps"] == diagnosis


def test_a_signature_that_was_lost_is_explained():
    gone = rest("plain") | digests("plain", seed.signing(next(iter(digests("plain", "v1.2.0")))))
    assert Cleaned().first("plain", gone).verdicts()["keeps"] == "retention-signature"


LEFT = {
    "retention-pre-release-left": ("plain", lambda: rest("plain") - digests("plain", "v2.0.0-alpha")),
    "retention-latest": ("shared", lambda: rest("shared") - digests("shared", "latest")),
    "retention-indexes": ("indexes", lambda: rest("indexes") - digests("indexes", "v1.6.0", "v1.7.0")),
    "retention-left": ("plain", lambda: rest("plain") - digests("plain", "v1.0.0", "build-0100")),
}


@pytest.mark.parametrize("diagnosis", LEFT)
def test_what_is_left_is_explained(diagnosis):
    name, gone = LEFT[diagnosis]
    world = Cleaned().first(name, gone())
    assert (world.verdicts()["keeps"], world.verdicts()["deletes"]) == ("passed", diagnosis)


def test_a_signature_whose_image_is_gone_is_left():
    orphan = {
        image["digest"]
        for image in ALL["plain"]["images"]
        for tag in image["tags"]
        if retaining.signed_by(tag) and image["digest"] in rest("plain")
    }
    assert len(orphan) == 1
    assert Cleaned().first("plain", rest("plain") - orphan).verdicts()["deletes"] == "retention-orphan"


def test_only_the_first_page_was_cleaned():
    names = sorted(tag for image in ALL["busy"]["images"] for tag in image["tags"])[:25]
    world = Cleaned().first("busy", digests("busy", *names) & rest("busy"))
    assert world.verdicts()["deletes"] == "retention-first-page"


def test_tags_that_are_gone_are_not_images_that_are_gone():
    tags = [tag for image in ALL["plain"]["images"] if image["digest"] in rest("plain") for tag in image["tags"]]
    world = Cleaned().first("plain", set(), untagged=tags)
    assert world.verdicts()["deletes"] == "retention-only-untagged"


def test_an_image_without_its_tags_is_lost_too():
    world = Cleaned().first("plain", rest("plain"), untagged=["v1.9.0"])
    assert world.verdicts()["keeps"] == "retention-version"
    world = Cleaned().first("plain", rest("plain"), untagged=["latest"])
    assert world.verdicts()["keeps"] == "passed", "v1.12.0 still leads to it"


def test_what_was_pushed_meanwhile_must_be_there():
    pushed = ALL["busy"]["pushed"]["digest"]
    assert Cleaned().first("busy", rest("busy") | {pushed}).verdicts()["beside_push"] == "retention-late-look"
    world = Cleaned().first("busy", rest("busy"), untagged=["v13.0.0"])
    assert world.verdicts()["beside_push"] == "retention-took-tags"


def test_after_a_push_only_what_holds_before_and_after_it_is_judged():
    # v10.0.0 is one of the last three before the push, and none afterwards
    for gone in (rest("busy"), rest("busy") | digests("busy", "v10.0.0")):
        found = Cleaned().first("busy", gone).verdicts()
        assert (found["keeps"], found["deletes"]) == ("passed", "passed")
    # a tag that has moved on leaves its old image without a tag, which nobody can list
    found = Cleaned().first("busy", rest("busy") - digests("busy", "candidate")).verdicts()
    assert found["deletes"] == "passed"
    # without the push, it is left
    found = Cleaned().first("busy", rest("busy") - digests("busy", "candidate"), pushed=False).verdicts()
    assert found["deletes"] == "retention-left"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"script": ""}, "retention-no-script"),
        ({"script": "y"}, "retention-untried"),
        ({"trial": None}, "retention-untried"),
        ({"there": False}, "depot-part-missing"),
    ],
)
def test_only_a_trial_of_the_script_as_it_is_counts(change, told):
    world = Cleaned()
    world.data["depot"].update(change)
    assert (world.verdicts()["tried"], world.verdicts()["keeps"]) == (told, "blocked")


@pytest.mark.parametrize(
    ("why", "told"), [("start", "retention-not-runnable"), ("time", "retention-hangs"), ("output", "retention-floods")]
)
def test_a_run_that_was_ended_is_told(why, told):
    assert Cleaned().first("shared", rest("shared"), why=why).verdicts()["tried"] == told


def test_a_trial_on_some_registries_tells_mistakes_and_earns_nothing_else():
    world = Cleaned()
    world.data["depot"]["trial"]["registries"] = [world.registry("plain")]
    found = world.verdicts()
    assert (found["tried"], found["keeps"], found["deletes"]) == ("passed", "retention-untried", "retention-untried")
    assert world.first("plain", rest("plain") | digests("plain", "v1.4.0")).verdicts()["keeps"] == "retention-deployed"


def test_a_script_that_deletes_nothing_keeps_nothing_either():
    world = Cleaned()
    for name in NAMES:
        world.first(name, set())
    found = world.verdicts()
    assert (found["keeps"], found["deletes"], found["repeatable"]) == ("retention-deletes-nothing",) * 2 + ("blocked",)
    world.first("plain", set(), refused=["DELETE /v2/shop/manifests/v1.0.0: 400"])
    assert world.verdicts()["deletes"] == "retention-by-tag"


def test_a_second_run_changes_nothing():
    world = Cleaned()
    world.registry("plain")["second"] = ran(rest("plain") | digests("plain", "v1.9.0"))
    assert world.verdicts()["repeatable"] == "retention-again-more"
    world = Cleaned()
    world.registry("plain")["second"] = ran(rest("plain"), code=1)
    assert world.verdicts()["repeatable"] == "retention-again-failed"
    found = Cleaned().first("plain", rest("plain"), code=1).verdicts()
    assert (found["keeps"], found["deletes"], found["repeatable"]) == ("passed", "passed", "retention-failed")


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────────

GONE, BASE, LAYER, OTHER = sha("v1.0.0"), sha("base"), sha("layer"), sha("v1.1.0")
TAGS = dict.fromkeys(("v1.1.0", "v1.2.0", "v1.3.0", "latest"), OTHER)


class ByHand(World):
    """A registry in which v1.0.0 was deleted by its digest and the garbage collected."""

    def __init__(self):
        super().__init__()
        self.depot = {
            "there": True,
            "running": True,
            "repositories": {"shop": dict(TAGS)},
            "revisions": {"shop": [OTHER]},
            "manifests": {OTHER: [BASE]},
            "blobs": {OTHER: 500, BASE: 1000},
            "broken_off": sha("broken off"),
            "changes": [self.change("delete", GONE, 202)],
        }
        self.data["depot"] = self.depot

    @staticmethod
    def change(action, reference, status):
        return {"time": 1.0, "action": action, "repository": "shop", "reference": reference, "status": status}

    def back(self, digest=GONE, manifest=True):
        self.depot["changes"].append(self.change("push", "demo", 201))
        self.depot["repositories"]["shop"]["demo"] = digest
        self.depot["revisions"]["shop"].append(digest)
        self.depot["blobs"] |= {LAYER: 1000} | ({digest: 500} if manifest else {})
        self.depot["manifests"] |= {digest: [BASE, LAYER]} if manifest else {}
        return self

    def verdicts(self):
        result = grade_one(exercises.load(SLUG), self.observation)
        return [check.diagnosis or check.outcome.value for check in result.checks][:3]


def test_deleted_collected_and_put_back():
    assert ByHand().back().verdicts() == ["passed"] * 3
    assert ByHand().verdicts() == ["passed", "passed", "depot-not-back"]


def test_a_push_that_believed_the_cache_left_an_image_without_its_manifest():
    assert ByHand().back(manifest=False).verdicts() == ["passed", "passed", "depot-pushed-broken"]


def test_another_image_is_not_what_was_there():
    assert ByHand().back(sha("another")).verdicts() == ["passed", "passed", "depot-other-image"]


@pytest.mark.parametrize("left", [GONE, sha("broken off")])
def test_what_no_image_uses_must_be_collected(left):
    world = ByHand()
    world.depot["blobs"][left] = 500
    assert world.verdicts() == ["passed", "depot-not-collected", "blocked"]


def test_an_index_whose_parts_were_collected_is_broken():
    world = ByHand()
    del world.depot["blobs"][BASE]
    assert world.verdicts()[1] == "depot-broken"


def test_how_a_version_can_still_be_there():
    world = ByHand()
    world.depot["repositories"]["shop"]["v1.0.0"] = GONE
    assert world.verdicts()[0] == "depot-not-deleted"
    world.depot["changes"] = [world.change("delete", "v1.0.0", 400)]
    assert world.verdicts()[0] == "depot-by-tag"
    world = ByHand()
    world.depot["changes"] = []
    assert world.verdicts()[0] == "depot-only-untagged"
    world = ByHand()
    del world.depot["repositories"]["shop"]["latest"]
    assert world.verdicts()[0] == "depot-too-much"


# ── the nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Node(World):
    def verdict(self):
        result = grade_one(exercises.load(SLUG), self.observation)
        return next(check.diagnosis or check.outcome.value for check in result.checks if check.id == "pruned")

    def pulled(self, name):
        event = {
            "seq": len(self.data["log"]["events"]) + 1,
            "time": 1.0,
            "action": "pull",
            "registry": "hub",
            "machine": "worker1",
        }
        event |= {
            "user": None,
            "repository": name,
            "reference": sha(name),
            "digest": sha(name),
            "status": 200,
            "agent": "docker/26",
        }
        self.data["log"]["events"].append(event)
        return self

    def has(self, name, digest=True):
        return self.image("worker1", name, [f"{name}:latest"], digests=[f"{name}@{sha(name)}"] if digest else [])

    def runs(self, image, state="running"):
        about = {"name": "keeper", "image": image, "state": state, "service": ""}
        self.data["engines"]["worker1"]["containers"].append(about)
        return self


def test_a_node_keeps_what_its_containers_use():
    world = Node().pulled("busybox").pulled("old").has("busybox").runs("busybox")
    assert world.verdict() == "passed"
    assert world.has("old").verdict() == "nodes-unused"
    assert Node().has("busybox").runs("busybox").verdict() == "nodes-nothing-pulled"
    assert Node().pulled("busybox").has("busybox").runs("busybox").verdict() == "nodes-none-gone"
    assert Node().pulled("busybox").verdict() == "nodes-all-gone"


@pytest.mark.parametrize(
    "named", ["busybox", "busybox:latest", f"busybox@{sha('busybox')}", sha("busybox"), sha("busybox")[7:19]]
)
def test_a_container_names_its_image_in_several_ways(named):
    assert Node().pulled("old").has("busybox").runs(named, "exited").verdict() == "passed"


# ── the programs of the machine ──────────────────────────────────────────────────────────────────────────────────────


def test_pages_of_tags_follow_one_another_until_there_is_none():
    body = json.dumps({"name": "shop", "tags": ["c", "a", "b", "e", "d"]}).encode()
    found, path = [], "/v2/shop/tags/list?n=1000"
    while path:
        page, path = front.paged(path, body, 2)
        found.append(json.loads(page)["tags"])
    assert found == [["a", "b"], ["c", "d"], ["e"]]
    assert front.paged("/v2/shop/tags/list?n=x&last=zzz", body, 2) == (b'{"name": "shop", "tags": []}', "")
    assert front.paged("/v2/shop/tags/list", b'{"name": "shop", "tags": null}', 2)[1] == ""


def test_what_is_written_into_a_folder_is_read_from_it(tmp_path):
    shelf = seed.Shelf(tmp_path)
    image = seed.image([seed.layer("a", 10)], "2026-01-01T00:00:00Z")
    index = seed.index({"amd64": image}, "2026-01-01T00:00:00Z")
    shelf.keep("team/web", image)
    shelf.keep("team/web", index, "v1.0.0", "latest")
    assert shelf.repositories() == ["team/web"]
    assert shelf.tags("team/web") == {"v1.0.0": index.digest, "latest": index.digest}
    assert shelf.revisions("team/web") == sorted([image.digest, index.digest])
    assert shelf.references(index.digest) == [image.digest]
    assert {*shelf.references(image.digest)} == {*image.blobs}
    assert shelf.references(sha("nothing")) == []
    assert shelf.manifests({index.digest}).keys() == {index.digest, image.digest}, (
        "what an index lists, though no link leads to it"
    )
    assert shelf.blobs().keys() == {image.digest, index.digest, *image.blobs}


def test_an_image_is_always_the_same():
    told = [
        subprocess.run(
            [sys.executable, "-c", PRINTS], capture_output=True, text=True, cwd=Path(seed.__file__).parent
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1] != ""


PRINTS = "import registries; print([one.digest for each in registries.every() for one in each.images])"


def test_what_an_image_lacks_is_told_through_its_index():
    depot = Depot(manifests={"i": ("m",), "m": ("l",)}, blobs={"i": 1, "m": 1})
    assert depot.lacking("i") == ["l"]
    assert depot.lacking("gone") == ["gone"]


def test_what_stands_before_a_registry_passes_on_every_header():
    """skopeo names the kinds that it knows in several headers of one name."""
    seen = []

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.extend(self.headers.get_all("Accept"))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        before = front.Front(server.server_address[1], 0, lambda: None)
        connection = http.client.HTTPConnection("127.0.0.1", before.port, timeout=10)
        connection.putrequest("GET", "/v2/shop/manifests/v1.0.0")
        for kind in ("a", "b"):
            connection.putheader("Accept", kind)
        connection.endheaders()
        assert connection.getresponse().read() == b"{}"
        connection.close()
        before.close()
    assert seen == ["a", "b"]
