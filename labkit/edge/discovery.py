"""What the registries tell of their content that Distribution 2.8 does not, or not as the specification asks: tags a few at a
time and in order, and what refers to a manifest (OCI distribution specification 1.1, "Content Discovery")."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .summary import INDEXES, parse

INDEX = "application/vnd.oci.image.index.v1+json"

PAGE = 1024 * 1024
"""Bytes of referrers that are told at once; for more there is a Link."""

MOST = 10_000
"""Tags that are told at once."""

Page = tuple[dict[str, Any], str]
"""What is told, and the query of the next page, "" where there is none."""


def tags(name: str, found: Iterable[str], n: str = "", last: str = "") -> Page:
    """The tags after `last`, at most `n` of them. Raises ValueError for an `n` that is no number."""
    most = MOST if n == "" else min(_number(n), MOST)
    after = [tag for tag in sorted(found, key=_order) if not last or _order(tag) > _order(last)]
    told = after[:most]
    more = f"n={most}&last={quote(told[-1])}" if told and len(after) > most else ""
    return {"name": name, "tags": told}, more


def _order(tag: str) -> tuple[str, str]:
    """ "in lexical order (i.e. case-insensitive alphanumeric order)" """
    return tag.lower(), tag


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueError(f"n={text[:20]!r} is no number")
    return int(text)


def referrers(manifests: Iterable[tuple[str, bytes]], kind: str = "", last: str = "") -> Page:
    """An index of these manifests, by digest, that follow `last`: those of this artifactType, or all of them."""
    told: list[dict[str, Any]] = []
    room = PAGE
    for digest, data in sorted(manifests):
        if digest <= last or ((found := descriptor(digest, data))["artifactType"] != kind and kind):
            continue
        room -= len(json.dumps(found))
        if room < 0 and told:
            return _index(told), f"last={told[-1]['digest']}" + (
                f"&artifactType={quote(kind, safe='')}" if kind else ""
            )
        told.append({key: value for key, value in found.items() if value != ""})
    return _index(told), ""


def _index(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}


def descriptor(digest: str, data: bytes) -> dict[str, Any]:
    """How an index of referrers tells of a manifest. Of an image without an artifactType the config's kind stands for it."""
    said = parse(data)
    manifest = said if isinstance(said, dict) else {}
    config = manifest.get("config")
    media = _text(manifest.get("mediaType"))
    by_config = "" if media in INDEXES or not isinstance(config, dict) else _text(config.get("mediaType"))
    notes = manifest.get("annotations")
    return {
        "mediaType": media or ("application/vnd.oci.image.manifest.v1+json" if config else INDEX),
        "digest": digest,
        "size": len(data),
        "artifactType": _text(manifest.get("artifactType")) or by_config,
        **({"annotations": dict(_texts(notes))} if isinstance(notes, dict) and notes else {}),
    }


def _texts(notes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((key, value) for key, value in notes.items() if isinstance(value, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
