"""The images that moved from one box of the picture to another, and commits that became images, so that the page can show them
moving. Pure."""

from collections.abc import Collection
from typing import Any

from labkit.seen.lab import WORKSTATION, SeenLab
from labkit.seen.log import Action
from labkit.view import feed
from labkit.view.feed import Line
from labkit.view.picture import REPOSITORY, Mark, Picture, built, key

WAYS = (Action.PUSH, Action.PULL)


def newest(lines: list[Line]) -> int:
    """The number of the last event, 0 if there is none."""
    return max((line.seq for line in lines), default=0)


def since(lab: SeenLab, picture: Picture, seq: int) -> list[dict[str, Any]]:
    """A message for each image that was pushed or pulled after that number, the oldest first:

    {"fly": "push" | "pull", "from": key of a box, "to": key of a box, "layers": how many, "letter", "color": of its mark}
    """
    new = [line for line in feed.lines(lab) if line.seq > seq and line.ok and line.action in WAYS]
    return [_message(lab, picture, line) for line in reversed(new) if line.registry in lab.registries]


def commits(lab: SeenLab, picture: Picture, known: Collection[str]) -> list[dict[str, Any]]:
    """The same message, "fly": "build", for each commit that has an image now and is none of the known ones."""
    new = {commit: content for commit, content in built(lab).items() if commit not in known}
    way = {"fly": "build", "from": key("ci", REPOSITORY), "to": key("ci", WORKSTATION), "layers": 1}
    return [{**way, **_dress(_mark(picture, content))} for content in new.values()]


def _mark(picture: Picture, content: str) -> Mark | None:
    return next((row.mark for row in picture.keyed.values() if row.mark and row.fingerprint == content), None)


def _dress(mark: Mark | None) -> dict[str, Any]:
    return {"letter": mark.letter if mark else "", "color": mark.color if mark else 0}


def _message(lab: SeenLab, picture: Picture, line: Line) -> dict[str, Any]:
    held = lab.registries[line.registry]
    registry = key("registry", held.title)
    machine = key("swarm" if line.for_swarm or line.machine != WORKSTATION else "ci", line.machine)
    manifest = held.manifests.get(line.digest)
    content = min(held.fingerprints(line.digest), default=line.digest)
    return {
        "fly": line.action,
        "from": machine if line.action == Action.PUSH else registry,
        "to": registry if line.action == Action.PUSH else machine,
        "layers": len(manifest.layers) if manifest else 1,
        **_dress(_mark(picture, content)),
    }
