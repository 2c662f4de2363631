"""Lists of tags and of referrers, by values."""

import json
from urllib.parse import parse_qs

import pytest

from labkit.edge import discovery
from labkit.edge.discovery import INDEX, descriptor, referrers, tags

IMAGE = "application/vnd.oci.image.manifest.v1+json"


def test_tags_are_told_in_order_and_a_few_at_a_time():
    found = ["v2", "B", "v10", "a", "b"]
    assert tags("me/app", found) == ({"name": "me/app", "tags": ["a", "B", "b", "v10", "v2"]}, "")
    assert tags("me/app", found, "2") == ({"name": "me/app", "tags": ["a", "B"]}, "n=2&last=B")
    assert tags("me/app", found, "2", "B")[0]["tags"] == ["b", "v10"]
    assert tags("me/app", found, "2", "v10") == ({"name": "me/app", "tags": ["v2"]}, "")
    assert tags("me/app", found, "0") == ({"name": "me/app", "tags": []}, "")
    assert tags("me/app", [], last="x")[0]["tags"] == []
    for odd in ("-1", "x", "9" * 12, "²"):
        with pytest.raises(ValueError, match="is no number"):
            tags("me/app", found, odd)


def made(number, **more):
    data = json.dumps({"mediaType": IMAGE, "config": {"mediaType": "application/config"}, **more}).encode()
    return f"sha256:{number:064x}", data


def test_a_descriptor_says_what_a_manifest_is():
    digest, data = made(1, annotations={"a": "b", "odd": 7})
    told = {"mediaType": IMAGE, "digest": digest, "size": len(data), "artifactType": "application/config"}
    assert descriptor(digest, data) == {**told, "annotations": {"a": "b"}}
    assert descriptor(*made(1, artifactType="application/own"))["artifactType"] == "application/own"
    bare = descriptor(digest, json.dumps({"mediaType": INDEX, "manifests": [], "config": {"mediaType": "x"}}).encode())
    assert (bare["mediaType"], bare["artifactType"]) == (INDEX, "")
    for odd in (b"", b"[]", b"[" * 100_000):
        assert descriptor(digest, odd)["mediaType"] == INDEX


def test_referrers_are_told_by_kind_and_in_pages(monkeypatch):
    found = [made(number, artifactType=f"application/{number % 2}+x") for number in range(7)]
    whole, more = referrers(found)
    assert (whole["schemaVersion"], whole["mediaType"], more) == (2, INDEX, "")
    assert [each["digest"] for each in whole["manifests"]] == [digest for digest, _ in found]
    assert len(referrers(found, "application/1+x")[0]["manifests"]) == 3
    monkeypatch.setattr(discovery, "PAGE", 500)
    seen, last, pages = [], "", 0
    while True:
        told, more = referrers(reversed(found), "application/0+x", last)
        seen += [each["digest"] for each in told["manifests"]]
        pages += 1
        if not more:
            break
        query = parse_qs(more)
        assert query["artifactType"] == ["application/0+x"]
        last = query["last"][0]
    assert seen == [digest for digest, _ in found][::2] and pages > 1
    assert referrers([]) == ({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}, "")
