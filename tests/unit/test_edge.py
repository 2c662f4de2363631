"""The edge, each part by its values. It runs inside the lab image; nothing of it needs one."""

import ast
import asyncio
import base64
import contextlib
import hashlib
import importlib
import json
import os
import sys
import time
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import test_utils, web

from labkit.edge import log as access_log
from labkit.edge import seed as seeds
from labkit.edge import shelf as shelves
from labkit.edge import store as behind
from labkit.edge import supervisor
from labkit.edge.desk import Desk
from labkit.edge.facts import accounts, registries
from labkit.edge.flavours import FLAVOURS, flavours
from labkit.edge.flavours.base import View
from labkit.edge.front import parse_scope
from labkit.edge.garbage import garbage
from labkit.edge.grammar import clean, is_digest, is_repository
from labkit.edge.log import AccessLog
from labkit.edge.reader import Reader
from labkit.edge.shelf import Shelf, fingerprint
from labkit.edge.store import StoreDown
from labkit.edge.summary import DEEPEST, LARGEST, MOST_LISTED, Summaries, parse, parts_of, summary, unknown, weight
from labkit.edge.tokens import GRACE, Token, Tokens
from labkit.edge.tokens import LARGEST as LARGEST_TOKEN
from labkit.seen.log import Action, Log, Reason
from labkit.seen.registries import Manifest, Registries, Store

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def ref(text):
    """The descriptor of a blob with this text."""
    return {"digest": digest_of(text.encode()), "size": len(text)}


def d(text):
    return ref(text)["digest"]


class Folder:
    """Distribution's folder, filled by hand."""

    def __init__(self, root):
        self.path = root
        self.root = root / "docker/registry/v2"

    def blob(self, content, digest=""):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = digest or digest_of(content)
        value = digest.removeprefix("sha256:")
        folder = self.root / "blobs/sha256" / value[:2] / value
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "data").write_bytes(content)
        return digest

    def layer(self, repository, content, registry="hub"):
        """A layer or a config, linked in its repository."""
        digest = self.blob(content)
        self._link(f"repositories/{registry}/{repository}/_layers/sha256/{digest[7:]}", digest)
        return digest

    def manifest(self, repository, content, *tags, registry="hub"):
        digest = self.blob(content)
        base = f"repositories/{registry}/{repository}/_manifests"
        self._link(f"{base}/revisions/sha256/{digest[7:]}", digest)
        for tag in tags:
            self._link(f"{base}/tags/{tag}/current", digest)
        return digest

    def _link(self, folder, digest):
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / folder / "link").write_text(digest)

    def unlink(self, repository, digest, registry="hub"):
        """Deletes a manifest as Distribution does."""
        (self.root / f"repositories/{registry}/{repository}/_manifests/revisions/sha256/{digest[7:]}/link").unlink()

    def free(self, digest):
        """Deletes a blob as a garbage collection does."""
        (self.root / "blobs/sha256" / digest[7:9] / digest[7:] / "data").unlink()


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.fixture
def log(tmp_path):
    made = AccessLog(tmp_path / "edge" / "access.jsonl")
    yield made
    made.close()


def pushed(log, **more):
    told = {
        "action": "push",
        "registry": "hub",
        "client": "10.0.0.1",
        "agent": "docker/26",
        "user": "me",
        "status": 201,
    }
    return log.add(**{**told, **more})


# ── flavours, accounts, tokens ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def known(tmp_path):
    return flavours(tmp_path / "kept")


def view(folder, name, registry="hub"):
    return View(Shelf(folder.path), registry, name)


@pytest.fixture
def tagged(folder):
    for name in ("myusername", "myusername/myapp", "colleague/myapp", "library/busybox"):
        folder.manifest(name, {}, "v1")
    folder.manifest("team/myapp", {}, "v1", registry="private")
    return folder


def test_who_may_do_what(known, tagged):
    def hub(user, name):
        return known["hub"].allowed(user, view(tagged, name))

    def private(user, name):
        return known["private"].allowed(user, view(tagged, name, "private"))

    assert hub(None, "myusername/myapp") == {"pull"}
    assert hub(None, "myusername/never") == set()
    assert hub("myusername", "colleague/myapp") == {"pull"}
    assert hub("myusername", "colleague/never") == set()
    assert hub("myusername", "library/busybox") == {"pull"}
    assert hub("myusername", "myusername") == {"pull"}
    assert hub("myusername", "other") == set()
    assert hub("myusername", "myusername/never") == {"pull", "push", "delete"}
    assert hub("my", "myusername/never") == set()
    assert private(None, "team/myapp") == set()
    assert private("colleague", "team/never") == {"pull", "push", "delete"}


def test_an_owner_may_look_into_a_repository_that_has_no_tag_yet(known, folder):
    hub, untagged = known["hub"], view(folder, "myusername/myapp")
    folder.layer("myusername/myapp", b"a layer")
    assert hub.allowed("myusername", untagged) == {"pull", "push", "delete"}
    assert hub.granted({"pull"}, "myusername", untagged) == {"pull"}
    assert hub.granted({"pull"}, "myusername", view(folder, "myusername/never")) == {"pull"}
    assert hub.allowed("colleague", untagged) == set()
    assert hub.allowed(None, untagged) == set()


def test_a_token_is_given_what_its_user_may_and_asked_for(known, tagged):
    hub, private = known["hub"], known["private"]
    mine = ("myusername", view(tagged, "myusername/myapp"))
    assert hub.granted({"pull", "push"}, *mine) == {"pull", "push"}
    assert hub.granted({"*"}, *mine) == {"pull", "push", "delete"}
    assert hub.granted({"delete"}, *mine) == {"delete"}
    assert hub.granted({"pull", "push"}, "myusername", view(tagged, "myusername/new")) == {"pull", "push"}
    for asked in ({"*"}, {"pull", "push", "delete"}):
        assert hub.granted(asked, "myusername", view(tagged, "colleague/myapp")) == {"pull"}
        assert hub.granted(asked, None, view(tagged, "myusername/myapp")) == {"pull"}
        assert private.granted(asked, None, view(tagged, "team/myapp", "private")) == set()


@pytest.mark.parametrize("host", ["registry.lab:5000", "REGISTRY.LAB:5000", "Registry.lab", "registry.lab"])
def test_a_host_name_is_the_same_in_letters_of_any_size(host):
    assert [key for key, facts in registries().items() if facts.answers_to(host)] == ["private"]


def test_every_registry_has_a_title_a_host_and_names_of_its_own():
    known = registries().values()
    names = [name for facts in known for name in facts.hosts]
    assert len(names) == len(set(names))
    assert all(name == name.lower() for name in names)
    # A port stands there only where registries share a name, and then at each of them.
    with_port = [name.partition(":")[0] for name in names if ":" in name]
    assert all(with_port.count(name) > 1 and name not in names for name in with_port)
    assert [(facts.title, facts.host) for facts in known if facts.standard] == [
        ("Docker Hub", "docker.io"),
        ("registry.lab:5000", "registry.lab:5000"),
    ]
    assert all(facts.answers_to(facts.host) for facts in known)
    assert len({facts.title for facts in known}) == len(known) == len(FLAVOURS)


def test_a_learner_stands_for_the_first_account():
    assert accounts() == {"myusername": "mypassword", "colleague": "theirpassword"}
    assert accounts("anna") == {"anna": "mypassword", "colleague": "theirpassword"}


def test_scopes_and_challenges(known):
    assert parse_scope("repository:a/b:pull,push") == ("a/b", {"pull", "push"})
    assert parse_scope("repository(plugin):a/b:pull") == ("a/b", {"pull"})
    for none in (
        "registry:catalog:*",
        "nonsense",
        "repository:../../blobs:pull",
        "repository:a\0b:pull",
        "repository::",
    ):
        assert parse_scope(none) is None
    told = known["hub"].challenge("repository:a:push", "insufficient_scope")
    assert told.startswith('Bearer realm="https://auth.docker.io/token",service="registry.docker.io"')
    assert told.endswith('error="insufficient_scope"')


def test_a_token_lives_as_long_as_it_says_by_a_clock_that_only_goes_forward():
    now = [1000.0]
    tokens = Tokens(300, lambda: now[0])
    mine = Token("registry.lab", "me", {"a/b": {"pull", "push"}})
    value = tokens.issue(mine)
    assert tokens.read(value) == mine
    now[0] += tokens.lifetime + GRACE
    assert tokens.read(value) == mine
    now[0] += 0.1
    assert tokens.read(value) is None
    assert Tokens.__init__.__defaults__ == (time.monotonic,)


def test_no_number_of_tokens_makes_another_one_invalid():
    tokens = Tokens(300)
    mine = tokens.issue(Token("registry.lab", "me"))
    for _ in range(5000):
        tokens.issue(Token("registry.lab", None))
        tokens.issue(Token("registry.lab", "me"))
    assert tokens.read(mine) == Token("registry.lab", "me")


def test_only_the_edges_own_tokens_are_read():
    tokens = Tokens(300)
    value = tokens.issue(Token("registry.lab", None, {"a": {"pull"}}))
    assert Tokens(300).read(value) is None  # of the edge before this one
    said, _, signature = value.partition(".")
    more = (
        base64.urlsafe_b64encode(base64.urlsafe_b64decode(said + "==").replace(b"null", b'"me"')).decode().rstrip("=")
    )
    for forged in (
        f"{more}.{signature}",
        said,
        f"{said}.",
        f".{signature}",
        "",
        ".",
        "é",
        "a.b",
        value[:-1],
        value + "A",
    ):
        assert tokens.read(forged) is None, forged


def test_a_token_for_very_many_repositories_stays_small_and_leaves_the_last_out():
    tokens = Tokens(300)
    value = tokens.issue(Token("registry.lab", "me", {f"{n}{'a' * 200}": {"pull"} for n in range(400)}))
    assert len(value) <= LARGEST_TOKEN
    assert next(iter(tokens.read(value).access)).startswith("0a") and len(tokens.read(value).access) > 5


def test_forms_of_names_and_digests():
    assert all(map(is_repository, ("a", "me/app", "a/b/c", "a__b/c-d.e")))
    assert not any(map(is_repository, ("", "/a", "a/", "A/b", "../../blobs", "a/../b", "a//b", "a" * 256, None, ["a"])))
    assert is_digest(d("x")) and is_digest("sha512:" + "0" * 128)
    assert not any(map(is_digest, ("", "sha256:1", "sha256:../../etc", "md5:" + "0" * 32, d("x").upper(), None, 7)))
    assert clean("a\ud800b\udfffé") == "a\ufffdb\ufffdé"
    assert clean("x" * 9, 4) == "xxxx…"
    assert clean({"a": 1}) == clean(None) == ""


# ── the access log ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_access_log_counts_on_after_a_restart_and_a_torn_line(tmp_path):
    file = tmp_path / "log" / "access.jsonl"
    log = AccessLog(file)
    pushed(log, action="login")
    log.close()
    with file.open("a") as out:
        out.write('{"seq": 2, "act')
    again = AccessLog(file)
    assert pushed(again, status=401)["seq"] == 2
    assert pushed(again, status=401)["seq"] == 2  # an engine asks once a layer
    assert again.reset(["03-push"])["seq"] == 3
    assert pushed(again, status=401)["seq"] == 4  # the first after a reset is no repetition
    assert pushed(again)["seq"] == 5
    again.close()
    last = AccessLog(file)
    assert [event["seq"] for event in last.events] == [1, 2, 4, 5]
    assert [(reset["seq"], reset["exercises"]) for reset in last.resets] == [(3, ["03-push"])]
    last.close()


def test_an_odd_line_of_the_kept_log_breaks_nothing(tmp_path):
    file = tmp_path / "access.jsonl"
    whole = {
        "seq": 4,
        "time": 1.5,
        "action": "push",
        "registry": "hub",
        "client": "10.0.0.1",
        "status": 201,
        "agent": "x",
    }
    old = {"seq": 7, "time": 2, "action": "mark", "exercises": ["03-push", 7]}
    lines = [
        "[" * 100_000,
        json.dumps([1]),
        json.dumps({"seq": "1"}),
        json.dumps({**whole, "seq": True}),
        json.dumps({**whole, "seq": 1, "action": "dance"}),
        json.dumps({**whole, "seq": 2, "status": "201"}),
        json.dumps({**whole, "seq": 3, "time": None}),
        json.dumps({**whole, "extra": {"a": []}, "reference": ["a"], "agent": "\ud800", "reason": "not signed in"}),
        json.dumps({**whole, "seq": 4}),
        json.dumps({**whole, "seq": 2**60}),
        json.dumps(old),
    ]
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    log = AccessLog(file)
    told = msgspec.convert({"events": [seen(event) for event in log.events], "resets": log.resets}, Log, strict=True)
    assert [(event.seq, event.reference, event.agent, event.user) for event in told.events] == [(4, "", "\ufffd", None)]
    assert [(reset.seq, reset.exercises) for reset in told.resets] == [(7, ("03-push", ""))]
    assert pushed(log)["seq"] == 8
    log.close()


def seen(event):
    """An event as labkit keeps it: with the machine in place of the address."""
    return {**{key: value for key, value in event.items() if key != "client"}, "machine": "workstation"}


def test_what_clients_call_themselves_cannot_break_the_log(log):
    event = pushed(log, agent="\udcff" * 10_000, user="u" * 10_000, repository="r" * 999, reference="\ud800")
    for field in ("agent", "user", "repository"):
        assert len(event[field]) == access_log.LONGEST[field] + 1
    encoded = json.dumps({"events": [seen(event)], "resets": []}).encode()
    assert msgspec.json.decode(encoded, type=Log).events[0].reference == "\ufffd"


def reasons(folder):
    """What the flavours give as reasons of their refusals: the fourth thing that a Refusal is made of."""
    for file in folder.glob("*.py"):
        module = importlib.import_module(f"labkit.edge.flavours.{file.stem}")
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refusal" and len(node.args) > 3:
                told = node.args[3]
                found = getattr(module, told.id, "") if isinstance(told, ast.Name) else getattr(told, "value", "")
                if isinstance(found, str) and found:
                    yield found


def test_the_log_has_the_words_that_labkit_reads():
    assert set(access_log.ACTIONS) == {action.value for action in Action}
    from labkit.edge import front

    modules = (Path(front.__file__), Path(access_log.__file__).parent / "flavours/base.py")
    source = "".join(file.read_text() for file in modules)
    assert all(f'"{reason.value}"' in source for reason in Reason)
    known = {reason.value for reason in Reason}
    assert set(reasons(Path(front.__file__).parent / "flavours")) <= known
    assert set(front.ACTIONS.values()) <= set(access_log.ACTIONS)


# ── summaries ────────────────────────────────────────────────────────────────────────────────────────────────────────


def told(manifest, blobs=None):
    """The summary as labkit reads it: through JSON, strictly. Only what differs from an unknown manifest."""
    made = summary(manifest, (blobs or {}).get)
    encoded = json.dumps(made).encode()
    msgspec.json.decode(encoded, type=Manifest)
    assert set(made) == set(Manifest.__struct_fields__)
    return {key: value for key, value in made.items() if value != unknown()[key] or key == "kind"}


RUNS = {"Cmd": ["sh"], "Labels": {"a": "b"}}
DIFFS = [d("diff")]


def image(config=None, **more):
    manifest = {"mediaType": IMAGE, "config": {**ref("config"), "mediaType": CONFIG}, "layers": [ref("layer")], **more}
    described = {"created": "2026-01-01T00:00:00Z", "rootfs": {"diff_ids": DIFFS}, "config": RUNS}
    return told(manifest, {d("config"): described if config is None else config})


WHOLE = {
    "kind": "image",
    "config": d("config"),
    "layers": [d("layer")],
    "size": 5,
    "labels": {"a": "b"},
    "artifact_type": CONFIG,
    "created": "2026-01-01T00:00:00Z",
    "fingerprint": fingerprint(DIFFS, RUNS),
}


def test_an_image():
    assert image() == WHOLE


def test_an_index():
    manifest = {"mediaType": INDEX, "manifests": [ref("one"), ref("two")], "annotations": {"k": "v"}}
    assert told(manifest) == {"kind": "index", "manifests": [d("one"), d("two")], "annotations": {"k": "v"}}
    assert told({"manifests": []}) == {"kind": "index"}


def test_an_artifact_with_a_subject():
    manifest = {
        "mediaType": IMAGE,
        "artifactType": "application/spdx+json",
        "config": {**ref("{}"), "mediaType": "application/vnd.oci.empty.v1+json"},
        "layers": [ref("sbom")],
        "subject": ref("image"),
        "annotations": {"k": "v"},
    }
    assert told(manifest) == {
        "kind": "artifact",
        "config": d("{}"),
        "layers": [d("sbom")],
        "size": 4,
        "artifact_type": "application/spdx+json",
        "subject": d("image"),
        "annotations": {"k": "v"},
    }
    without_config = {"layers": [ref("layer")]}
    assert told(without_config) == {"kind": "artifact", "layers": [d("layer")], "size": 5}


@pytest.mark.parametrize("manifest", [None, [], 7, True, "text", {}, {"config": {}}, {"config": 3}, {"layers": "x"}])
def test_what_is_no_manifest_is_unknown(manifest):
    assert told(manifest) == {"kind": "unknown"}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"manifests": [3]}, {}),
        ({"manifests": [{"digest": "sha256:../../../../etc/passwd"}, ref("a")]}, {"manifests": [d("a")]}),
        ({"mediaType": INDEX, "manifests": {"digest": d("a")}}, {}),
        ({"mediaType": [INDEX], "layers": [ref("a")], "config": "x"}, {"layers": [d("a")], "size": 1}),
        ({"layers": [ref("a"), None]}, {"layers": [d("a")], "size": 1}),
        ({"layers": [ref("a")], "subject": {"digest": 7}}, {"layers": [d("a")], "size": 1}),
        ({"layers": [ref("a")], "subject": "x", "annotations": [1]}, {"layers": [d("a")], "size": 1}),
        ({"layers": [ref("a")], "config": {"digest": ["x"]}}, {"layers": [d("a")], "size": 1}),
    ],
)
def test_odd_manifests_are_told_as_odd_with_what_is_sound(manifest, expected):
    assert told(manifest) == {"kind": "unknown", **expected}


@pytest.mark.parametrize("size", [-1, 1.5, True, "5", None, 2**80, [5]])
def test_an_odd_size_counts_nothing(size):
    manifest = {"layers": [{**ref("a"), "size": size}, ref("four")]}
    assert told(manifest) == {"kind": "artifact", "layers": [d("a"), d("four")], "size": 4}


def test_sizes_stay_whole_numbers_together():
    many = {"layers": [{**ref("a"), "size": 2**53}] * 4000}
    assert told(many)["size"] == 2**53


@pytest.mark.parametrize("config", [[], 7, "text"])
def test_a_config_that_is_none_makes_no_image(config):
    kept = {key: WHOLE[key] for key in ("config", "layers", "size", "artifact_type")}
    assert image(config) == {"kind": "unknown", **kept}


@pytest.mark.parametrize(
    ("config", "labels"),
    [
        ({"config": {"Labels": [1]}}, None),
        ({"config": "x"}, None),
        ({"config": {"Labels": {"a": 1, "b": ["x"], "c": "d"}}}, {"c": "d"}),
        ({"config": {"Labels": {"\ud800": "\udfff", "<b>": "</script>"}}}, {"\ufffd": "\ufffd", "<b>": "</script>"}),
        ({"rootfs": {"diff_ids": "x"}, "created": 7}, None),
        ({"rootfs": [], "created": ["x"]}, None),
        ({"rootfs": {"diff_ids": [d("a"), 7]}}, None),
    ],
)
def test_odd_configs_are_read_as_far_as_they_are_sound(config, labels):
    kept = {key: WHOLE[key] for key in ("kind", "config", "layers", "size", "artifact_type")}
    assert image(config) == {**kept, **({"labels": labels} if labels else {})}


def test_large_texts_are_cut():
    held = image({"config": {"Labels": {"a": "x" * LARGEST, "b": "y"}}})["labels"]
    assert held["a"] == "x" * 16 * 1024 + "…" and held["b"] == "y"
    many = image({"config": {"Labels": {f"key{n}": "x" * 1000 for n in range(4000)}}})["labels"]
    assert len(json.dumps(many)) < 70_000


def test_json_is_read_with_bounds():
    nested = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    for none in (nested, b"[" * 100_000, b'{"a": NaN}', b'{"a": ' + b"9" * 5000 + b"}", b"nonsense", b"", b"\xff\xfe"):
        assert parse(none) is None
    assert parse(b" " * LARGEST + b"{}") is None
    assert parse(b'{"a": [1]}') == {"a": [1]}
    deepest = b"[" * DEEPEST + b"]" * DEEPEST
    assert parse(deepest) is not None and parse(b"[" + deepest + b"]") is None
    assert parse(b"7") == 7


def test_the_fingerprint_is_the_same_however_an_image_was_packed():
    # The value of labkit 0.1.0: recordings hold it.
    assert fingerprint(["a"], {"Cmd": ["sh"], "Env": [], "Hostname": "x"}) == (
        hashlib.sha256(b'[["a"], {"Cmd": ["sh"]}]').hexdigest()
    )
    assert fingerprint(["a"], RUNS) != fingerprint(["a"], {**RUNS, "Cmd": ["ash"]})
    assert fingerprint([], RUNS) == ""
    assert fingerprint(["a"], None) == fingerprint(["a"], {})


def test_summaries_have_bounded_room():
    kept = Summaries(room=2 * weight(unknown()) + 75)
    for name in "abc":
        kept.keep(name, {**unknown(), "created": name}, [name] if name == "c" else [])
    assert kept.get("a") is None and kept.get("b") == ({**unknown(), "created": "b"}, [])
    kept.keep("b", unknown(), [])
    kept.keep("b", unknown(), [])
    assert kept.get("c")[1] == ["c"] and kept.get("b") == (unknown(), [])
    kept.keep("d", {**unknown(), "labels": {"large": "x" * 10_000}}, [])
    assert all(kept.get(name) is None for name in "abcd")


def test_a_manifest_that_lists_more_than_any_image_has_is_told_as_odd():
    many = {"layers": [ref("a")] * 5000, "mediaType": IMAGE}
    assert told(many)["kind"] == "unknown" and len(told(many)["layers"]) == MOST_LISTED
    assert told({"manifests": [ref("a")] * 5000})["kind"] == "unknown"


def test_the_parts_of_a_manifest_are_what_a_registry_must_have():
    manifest = {"config": ref("config"), "layers": [ref("a"), ref("a"), {**ref("b"), "urls": ["https://elsewhere"]}, 7]}
    assert parts_of(manifest) == [d("config"), d("a")]
    assert parts_of({"manifests": [ref("a")]}) == parts_of(None) == parts_of([]) == []


# ── the store's folder ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_shelf_reads_the_stores_folder(folder):
    folder.layer("me/app", b"layer")
    digest = folder.manifest("me/app", {"layers": [ref("layer")]}, "a", "b")
    (folder.root / "repositories/hub/me/empty/_manifests/tags").mkdir(parents=True)
    (folder.root / "repositories/hub/me/app/_manifests/tags/torn/current").mkdir(parents=True)
    shelf = Shelf(folder.path)
    assert shelf.repositories("hub") == {"me/app": {"a": digest, "b": digest}}
    folder.layer("me/begun", b"x")
    assert shelf.holds("hub") and not shelf.exists("hub", "me/begun") and not shelf.holds("private")
    assert shelf.exists("hub", "me/app") and not shelf.exists("hub", "me/empty") and not shelf.exists("hub", "x")
    assert shelf.manifests({digest, "sha256:absent"}) == {
        digest: {**unknown(), "kind": "artifact", "layers": [d("layer")], "size": 5},
        "sha256:absent": {**unknown(), "kind": "incomplete"},
    }
    shelf.remove("hub", "me/app")
    assert shelf.repositories("hub") == {}


def test_a_repository_is_removed_without_those_below_it(folder):
    folder.manifest("team", {"layers": [ref("a")]}, "v1")
    below = folder.manifest("team/app", {"layers": [ref("b")]}, "v1")
    shelf = Shelf(folder.path)
    shelf.remove("hub", "team")
    assert shelf.repositories("hub") == {"team/app": {"v1": below}}
    assert not shelf.exists("hub", "team")
    shelf.remove("hub", "team")  # twice is once
    assert list((folder.path / "edge/removed").iterdir())
    shelf.clear()
    assert not list((folder.path / "edge/removed").iterdir())
    assert len(shelf.blobs()) == 2


def test_what_is_removed_while_the_last_is_cleared_is_gone(folder, monkeypatch):
    """Each reset clears in a thread, and the next may come before that has ended."""
    folder.manifest("app", {"layers": [ref("layer")]}, "v1")
    shelf, rename = Shelf(folder.path), os.rename

    def renamed(*paths):
        shelf.clear()
        rename(*paths)

    monkeypatch.setattr(os, "rename", renamed)
    shelf.remove("hub", "app")
    assert shelf.repositories("hub") == {}


def test_only_repositories_can_be_removed(folder):
    folder.blob(b"x")
    (folder.root / "repositories/hub").mkdir(parents=True)
    for name in ("../../blobs", "..", "", "/", "a/../../../blobs"):
        with pytest.raises(ValueError, match="no repository's name"):
            Shelf(folder.path).remove("hub", name)
    assert (folder.root / "blobs").exists()


def test_manifests_without_a_tag_that_refer_to_what_has_one_are_seen(folder):
    child = folder.manifest("me/app", {"layers": [ref("one")]})
    index = folder.manifest("me/app", {"manifests": [{"digest": child}, ref("elsewhere")]}, "v1")
    sbom = folder.manifest("me/app", {"layers": [ref("sbom")], "subject": {"digest": child}})
    signature = folder.manifest("me/app", {"layers": [ref("signature")], "subject": {"digest": sbom}})
    old = folder.manifest("me/app", {"layers": [ref("old")]})
    folder.manifest("me/app", {"layers": [ref("of old")], "subject": {"digest": old}})
    gone = folder.manifest("me/app", {"layers": [ref("gone")], "subject": {"digest": index}})
    folder.unlink("me/app", gone)
    shelf = Shelf(folder.path)
    repositories, untagged = shelf.holdings("hub")
    assert repositories == {"me/app": {"v1": index}}
    assert gone not in untagged and old in untagged and index not in untagged
    found = shelf.manifests([index], untagged)
    assert set(found) == {index, child, sbom, signature}
    folder.free(sbom)
    assert set(shelf.manifests([index], untagged)) == {index, child}


def test_a_config_that_comes_back_is_read_again(folder):
    config = folder.blob({"rootfs": {"diff_ids": DIFFS}, "config": RUNS})
    manifest = {"config": {"digest": config, "mediaType": CONFIG}, "layers": [ref("layer")]}
    digest = folder.manifest("me/app", manifest, "v1")
    folder.layer("me/app", b"layer")
    folder.free(config)
    shelf = Shelf(folder.path)
    assert shelf.manifests([digest])[digest]["kind"] == "incomplete"
    folder.blob({"rootfs": {"diff_ids": DIFFS}, "config": RUNS})
    assert shelf.manifests([digest])[digest]["kind"] == "image"


@pytest.mark.parametrize("lost", ["manifest", "config", "layer"])
def test_an_image_of_which_a_part_is_lost_is_none_though_it_was_read_before(folder, lost):
    config, layer = {"rootfs": {"diff_ids": DIFFS}, "config": RUNS}, b"layer"
    manifest = {
        "mediaType": IMAGE,
        "config": {"digest": folder.layer("me/app", config), "mediaType": CONFIG},
        "layers": [{"digest": folder.layer("me/app", layer), "size": 5}],
    }
    digest = folder.manifest("me/app", manifest, "v1")
    index = folder.manifest("me/app", {"mediaType": INDEX, "manifests": [{"digest": digest}]}, "all")
    shelf = Shelf(folder.path)
    whole = shelf.manifests([digest, index])
    assert whole[digest]["kind"] == "image" and whole[digest]["fingerprint"]
    content = {"manifest": manifest, "config": config, "layer": layer}[lost]
    gone = folder.blob(content)
    folder.free(gone)
    found = shelf.manifests([digest, index])
    assert found[digest]["kind"] == "incomplete" and found[digest]["fingerprint"] == ""
    assert found[index]["kind"] == "index"
    assert shelf.manifests([index]).get(digest, {"fingerprint": ""})["fingerprint"] == ""
    folder.blob(content)  # the next push
    assert shelf.manifests([digest, index]) == whole


def test_very_large_summaries_have_bounded_room_together(folder, monkeypatch):
    monkeypatch.setattr(shelves, "ROOM", 100_000)
    labels = {str(n): "x" * 10_000 for n in range(6)}
    many = [folder.manifest("me/app", {"layers": [], "n": n, "annotations": labels}, f"v{n}") for n in range(5)]
    small = folder.manifest("me/app", {"layers": [], "annotations": {"mark": "mine"}}, "small")
    found = Shelf(folder.path).manifests([*many, small])
    assert found[small]["annotations"] == {"mark": "mine"}
    assert [len(found[digest]["annotations"]) for digest in sorted(many)] == [6, 0, 0, 0, 0]


def test_the_labs_own_images_are_brought_back(tmp_path):
    seed, store = tmp_path / "seed", Folder(tmp_path / "store")
    made = Folder(seed)
    layer = made.layer("library/busybox", b"layer" * 100)
    digest = made.manifest("library/busybox", {"layers": [{"digest": layer}]}, "latest")
    assert len(seeds.restore(seed, store.path)) == 5
    shelf = Shelf(store.path)
    assert shelf.manifests([digest])[digest]["kind"] == "artifact" and shelf.exists("hub", "library/busybox")
    assert seeds.restore(seed, store.path) == []
    other = store.manifest("me/app", {"layers": []}, "v1")
    store.free(layer)
    store.blob(b"lay", digest=digest)  # torn
    assert [file.rpartition("/")[2] for file in seeds.restore(seed, store.path)] == ["data", "data"]
    shelf.remove("hub", "library/busybox")
    assert seeds.restore(seed, store.path) != [] and shelf.exists("hub", "library/busybox")
    assert Shelf(store.path).manifests([digest, other])[digest]["kind"] == "artifact" and store.path.exists()
    assert not list(store.path.rglob(".*"))


def test_a_manifest_cannot_lead_out_of_the_store(folder):
    secret = folder.path / "secret"
    secret.write_text('{"manifests": []}')
    index = folder.manifest("me/app", {"manifests": [{"digest": f"sha256:../../../../../../..{secret}"}]}, "v1")
    assert set(Shelf(folder.path).manifests([index])) == {index}
    hostile = {"layers": [ref("a")], "config": {"digest": f"x:../../../{secret}", "mediaType": CONFIG}}
    digest = folder.manifest("me/app", hostile, "v2")
    assert Shelf(folder.path).manifests([digest])[digest]["config"] is None


def test_garbage_is_what_distribution_frees(folder):
    """The same store as in tests/integration/test_store.py, where the real one is asked; here each blob by its role."""
    config = folder.layer("me/app", {"rootfs": {"diff_ids": DIFFS}})
    layers = {
        name: folder.layer("me/app", name.encode() * 9) for name in ("old", "new", "child", "sbom", "mounted", "lost")
    }

    def put(name, *tags, **more):
        parts = {"config": {"digest": config, "mediaType": CONFIG}, "layers": [{"digest": layers[name]}]}
        return folder.manifest("me/app", {"mediaType": IMAGE, **parts, **more}, *tags)

    old, new, child = put("old"), put("new", "v1"), put("child")
    index = folder.manifest("me/app", {"mediaType": INDEX, "manifests": [{"digest": child}]}, "all")
    sbom = put("sbom", subject={"digest": new})
    folder.layer("me/other", b"mounted" * 9)  # a layer that was mounted, of which no manifest came
    never = folder.blob(b"never linked")
    upload = folder.root / "repositories/hub/me/app/_uploads/1234/data"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"interrupted")

    shelf = Shelf(folder.path)
    blobs = shelf.blobs()
    assert set(blobs) == {config, *layers.values(), old, new, child, index, sbom, never}
    stored = shelf.stored()
    assert [(held.registry, held.name) for held in stored] == [("hub", "me/app")]
    assert set(stored[0].revisions) == {old, new, child, index, sbom} and stored[0].tagged == {new, index}

    freed = garbage(stored, blobs, shelf.manifest)
    assert set(freed["digests"]) == {layers["mounted"], layers["lost"], never}
    assert freed["size"] == sum(blobs[digest] for digest in freed["digests"]) == 7 * 9 + 4 * 9 + 12
    more = garbage(stored, blobs, shelf.manifest, delete_untagged=True)
    assert set(more["digests"]) - set(freed["digests"]) == {old, layers["old"], layers["child"], sbom, layers["sbom"]}


def test_what_is_not_there_is_no_revision(folder):
    folder.layer("me/app", b"layer")
    digest = folder.manifest("me/app", {"layers": [ref("layer")]}, "v1")
    gone = folder.manifest("me/app", {"layers": [ref("gone")]}, "v0")
    folder.free(gone)
    folder.manifest("me/other", {"layers": [ref("x")]}, "v1")  # a repository without _layers is none for a collection
    shelf = Shelf(folder.path)
    assert [(held.name, held.revisions) for held in shelf.stored()] == [("me/app", (digest,))]


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Answering:
    """A store that answers, or says why it does not."""

    problem = ""

    async def ask(self):
        if self.problem:
            raise StoreDown(self.problem)


@pytest.fixture
def store():
    return Answering()


@pytest.fixture
def ask(folder, log, store):
    """Asks the desk: (method, path, body) gives the status and the JSON, or the text, of its answer."""
    desk = Desk(flavours(folder.path / "kept"), log, Shelf(folder.path), Reader(), "sample", store)

    async def answer(method, path, body):
        async with test_utils.TestClient(test_utils.TestServer(desk.app())) as client:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            async with client.request(method, path, data=data) as got:
                text = await got.text()
                return got.status, json.loads(text) if "json" in got.content_type else text

    return lambda method, path, body=None: asyncio.run(answer(method, path, body))


def test_the_desk_tells_registries_and_log_in_the_shape_of_seen(ask, folder, log):
    digest = folder.manifest("me/app", {"layers": [ref("layer")], "annotations": {"a": "\ud800"}}, "v1")
    pushed(log)
    log.reset(["03-push"])
    status, held = ask("GET", "/observation")
    assert status == 200 and list(held) == ["log", "registries"]
    registries = msgspec.convert(held["registries"], Registries, strict=True)
    assert list(registries.known) == ["hub", "private"]
    assert registries.known["hub"].repositories == {"me/app": {"v1": digest}}
    assert registries.known["hub"].seeded == ("library/busybox", "library/registry")
    assert registries.known["private"].hosts == ("registry.lab",)
    assert registries.manifests[digest].annotations == {"a": "\ufffd"}
    assert registries.sample == "sample"
    told = msgspec.convert(
        {**held["log"], "events": [seen(event) for event in held["log"]["events"]]}, Log, strict=True
    )
    assert [event.seq for event in told.events] == [1] and [reset.seq for reset in told.resets] == [2]
    assert held["log"]["events"][0]["client"] == "10.0.0.1"


def test_the_desk_tells_only_what_was_asked_for(ask, log):
    pushed(log)
    pushed(log)
    assert list(ask("GET", "/observation?sections=registries")[1]) == ["registries"]
    assert [event["seq"] for event in ask("GET", "/observation?sections=log&seq=1")[1]["log"]["events"]] == [2]
    assert ask("GET", "/observation?sections=log,nonsense")[0] == 400
    status, text = ask("GET", "/observation?sections=")
    assert status == 400 and "no section ''" in text
    for seq in ("-1", "x", "1e3", "9" * 40, "²"):
        assert ask("GET", f"/observation?sections=log&seq={seq}")[0] == 400


def test_the_desk_tells_the_store_in_the_shape_of_seen(ask, folder):
    layer = folder.layer("me/app", b"layer")
    first = folder.manifest("me/app", {"layers": [{"digest": layer, "size": 5}]})
    second = folder.manifest("me/app", {"layers": [ref("layer")], "n": 2}, "v1")
    folder.layer("me/app", b"x", registry="elsewhere")
    other = folder.manifest("me/app", {"layers": []}, "v1", registry="elsewhere")
    lost = folder.blob(b"lost")
    status, held = ask("GET", "/observation?sections=store")
    assert status == 200 and list(held) == ["store"]
    store = msgspec.convert(held["store"], Store, strict=True)
    assert store.revisions == {"hub": {"me/app": tuple(sorted((first, second)))}, "private": {}}
    assert store.untagged("hub", "me/app", {"v1": second}) == [first]
    assert set(store.manifests) == {first, second, other} and store.manifests[first].size == 5
    assert store.blobs[layer] == 5 and store.blobs[lost] == 4
    assert store.garbage.digests == tuple(sorted((lost, d("x")))) and store.garbage.size == 5
    assert set(store.garbage_untagged.digests) == {lost, d("x"), first}


def test_the_desk_tells_of_a_registry_that_does_not_answer_beside_those_that_do(ask):
    status, held = ask("GET", "/observation?own=http://me:s3cret@127.0.0.1:1&own=https://127.0.0.1:2")
    assert status == 200 and list(held["registries"]["known"]) == ["hub", "private"]
    assert sorted(held["unobserved"]) == ["registries/127.0.0.1:1", "registries/127.0.0.1:2"]
    assert "does not answer" in held["unobserved"]["registries/127.0.0.1:1"]
    assert "s3cret" not in json.dumps(held)
    status, text = ask("GET", "/observation?own=http://me:s3cret@")
    assert status == 400 and "a registry's address is http://host:port" in text and "s3cret" not in text


def test_the_desk_marks_a_reset(ask, log):
    status, line = ask("POST", "/mark", {"exercises": ["03-push"]})
    assert status == 200 and set(line) == {"seq", "time", "exercises"} and line["exercises"] == ["03-push"]
    for body in (None, b"nonsense", [], {}, {"exercises": "x"}, {"exercises": [7]}, {"exercises": ["x"] * 201}):
        assert ask("POST", "/mark", body)[0] == 400
    assert len(log.resets) == 1


def test_the_desk_moves_a_registrys_clock_on_and_forgets_what_it_keeps(ask, folder):
    kept = folder.path / "kept"
    status, told = ask("POST", "/expire", {"registry": "hub"})
    assert status == 200 and told["registry"] == "hub" and told["seconds"] > 300
    assert json.loads((kept / "hub.json").read_text())["moved"] == told["seconds"]
    assert not (kept / "private.json").exists()
    assert ask("POST", "/forget", {"registries": ["hub", "private"]}) == (200, {})
    assert not (kept / "hub.json").exists()
    for path, body in (("/expire", {"registry": "ghcr"}), ("/expire", []), ("/forget", {"registries": ["ghcr"]})):
        assert ask("POST", path, body)[0] == 400


def test_the_desk_removes_repositories_and_nothing_else(ask, folder):
    folder.manifest("me/app", {"layers": [ref("a")]}, "v1")
    folder.manifest("me/other", {"layers": [ref("a")]}, "v1")
    for odd in (
        ["hub", "../../blobs"],
        ["hub", "../private"],
        ["nowhere", "a"],
        ["..", "a"],
        [["hub"], "a"],
        "hub",
        None,
    ):
        status, text = ask("POST", "/remove", {"repositories": [["hub", "me/app"], odd]})
        assert status == 400 and "is no repository" in text
    assert ask("POST", "/remove", b"[" * 100_000)[0] == 400
    status, text = ask("POST", "/remove", {"repositories": [["hub", "me/app"], ["hub", "library/busybox"]]})
    assert status == 400 and text == "library/busybox comes with the lab and stays\n"
    assert sorted(Shelf(folder.path).repositories("hub")) == ["me/app", "me/other"]
    assert ask("POST", "/remove", {"repositories": [["hub", "me/app"]]}) == (200, {})
    assert sorted(Shelf(folder.path).repositories("hub")) == ["me/other"]
    assert (folder.root / "blobs").exists()


def test_the_desk_works_only_where_the_store_does(ask, store):
    assert ask("GET", "/_ping") == (200, "OK")
    store.problem = "The store does not run."
    for path in ("/_ping", "/observation", "/observation?sections=log"):
        assert ask("GET", path) == (503, "The store does not run.\n")


# ── the store's process ──────────────────────────────────────────────────────────────────────────────────────────────


@contextlib.asynccontextmanager
async def reached(path):
    """The store at that socket, as the edge speaks to it."""
    async with aiohttp.ClientSession("http://store", connector=aiohttp.UnixConnector(str(path))) as session:
        yield behind.Store(session, str(path))


@contextlib.asynccontextmanager
async def serving(path, answer):
    """Something at that socket which answers every request so."""
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    yield
    await runner.cleanup()


def test_a_request_waits_for_a_store_that_is_being_started(tmp_path):
    asked = []

    async def answer(request):
        asked.append((request.method, request.path, request.host))
        return web.json_response({"repositories": []})

    async def main():
        async with reached(tmp_path / "socket") as store:
            waiting = asyncio.create_task(store.ask())
            await asyncio.sleep(0)
            assert not waiting.done()
            async with serving(tmp_path / "socket", answer):
                await waiting

    asyncio.run(main())
    assert asked == [("GET", "/v2/_catalog", "store")]


def test_a_store_that_does_not_work_says_how(tmp_path, monkeypatch):
    monkeypatch.setattr(behind, "PATIENCE", 0.1)
    monkeypatch.setattr(behind, "ANSWER", aiohttp.ClientTimeout(total=0.2))

    async def failing(_):
        return web.Response(status=500, text="no such folder\n")

    async def hanging(_):
        await asyncio.sleep(60)

    async def parting(request):
        request.transport.abort()

    async def told(answer=None):
        async with contextlib.AsyncExitStack() as open:
            if answer:
                await open.enter_async_context(serving(tmp_path / "socket", answer))
            store = await open.enter_async_context(reached(tmp_path / "socket"))
            with pytest.raises(StoreDown) as down:
                await store.ask()
            return str(down.value)

    assert asyncio.run(told()) == "The store does not run."
    assert asyncio.run(told(failing)) == "The store answers with 500: no such folder"
    assert asyncio.run(told(hanging)) == "The store does not answer."
    assert asyncio.run(told(parting)) == "The store ended before it answered."


COUNT = """
import os, sys, time
with open(sys.argv[1], "a") as file:
    print(os.getpid(), file=file, flush=True)
time.sleep(float(sys.argv[2]))
sys.exit(7)
"""


def counting(file, seconds):
    return (sys.executable, "-c", COUNT, str(file), str(seconds))


async def lines(file, wanted):
    async with asyncio.timeout(20):
        while not file.exists() or len(found := file.read_text().split()) < wanted:
            await asyncio.sleep(0.01)
    return [int(pid) for pid in found]


def test_a_program_that_ends_again_and_again_is_given_up(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(supervisor, "PAUSES", (0.01, 0.01))
    told = asyncio.run(supervisor.keep_running(counting(tmp_path / "runs", 0)))
    assert told == f"{sys.executable} ended with exit code 7, 3 times in a row"
    assert len((tmp_path / "runs").read_text().split()) == 3
    assert capfd.readouterr().err.count("ended with exit code 7: starting it again") == 2
    told = asyncio.run(supervisor.keep_running((str(tmp_path / "nothing"),)))
    assert "nothing could not be started: [Errno 2]" in told


def test_a_program_that_is_killed_is_started_again_and_ends_with_the_edge(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "STEADY", 0.0)

    async def main():
        keeping = asyncio.create_task(supervisor.keep_running(counting(tmp_path / "runs", 60)))
        for run in range(1, 8):  # more often than it would be started if it ended at once each time
            *_, last = await lines(tmp_path / "runs", run)
            os.kill(last, 9)
        *_, last = await lines(tmp_path / "runs", 8)
        assert os.getpgid(last) != os.getpgid(0)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        assert not Path(f"/proc/{last}").exists()

    asyncio.run(main())
