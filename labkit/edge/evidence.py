"""What of an access log still counts. Pure: entries in, fewer entries out, in the same order.

An exercise counts what happened since it was begun, so of the same thing done twice the later one says all that both say.
So the latest of its kind is kept, however much came after it, and more kinds than an honest lab ever has. The newest entries
are kept as they are: they are what people are told of.

Grading reads three things of a log (labkit/content/facts): the last refusal or sign-in, which a kind of its own keeps; that
something succeeded; and pulls, which are a look (head), a manifest (pull) and its blobs, in this order, from one client. Those
belong together, so they are kept or left out together.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

Entry = dict[str, Any]
Unit = list[Entry]
"""Entries that tell something together: a pull, or a single one."""

NEWEST = 150
"""Entries that are kept whatever they are. A lesson makes fewer."""

FETCHES = ("head", "pull", "blob")

KINDS = {"refused": 40, "login": 50, "push": 200, "delete": 50, "fetch": 400}
"""How many kinds are kept, the newest: of refusals for each action, of what succeeded for each registry."""

SAME_PLACE = 8
"""Kinds that are kept of one repository, and of one client's fetches of one manifest there."""

BLOBS = 150
"""Blobs that are kept of one pull; an image has up to 127 layers (moby, layer/layer_store.go: maxLayerDepth)."""


def kept(events: Sequence[Entry]) -> list[Entry]:
    """Those of these events that still count."""
    newest = events[-NEWEST:]
    seqs = {entry["seq"] for entry in newest}
    groups: dict[tuple[str, ...], list[Unit]] = defaultdict(list)
    for unit in _units(events):
        groups[_group(unit[0])].append(unit)
        if unit[-1]["seq"] in seqs:  # blobs without their pull would be taken for those of another one
            seqs.update(entry["seq"] for entry in unit)
    for (sort, *_), units in groups.items():
        told = _latest(units, _kind)
        if sort != "refused":
            told = _at_most(told, SAME_PLACE, _place)
        seqs.update(entry["seq"] for unit in told[-KINDS[sort] :] for entry in unit)
    return [entry for entry in events if entry["seq"] in seqs]


def latest(resets: Sequence[Entry], most: int) -> list[Entry]:
    """Those of these resets that are the last one of an exercise, of at most so many."""
    last = {slug: reset["seq"] for reset in resets for slug in reset["exercises"]}
    seqs = {*last.values(), *(reset["seq"] for reset in resets[-1:])}
    return [reset for reset in resets if reset["seq"] in seqs][-most:]


def _units(events: Iterable[Entry]) -> list[Unit]:
    """All events as units, by the number with which each begins."""
    units: list[Unit] = []
    going: dict[Hashable, Unit] = {}
    for event in events:
        if event["status"] >= 400 or event["action"] in ("login", "push"):
            units.append([event])
            continue
        # A delete is none of these, but stands between them.
        stream = (event["registry"], event["repository"], event["client"], event["agent"])
        unit = going.get(stream)
        if unit is None or not _continues(unit, event):
            unit = going[stream] = []
            units.append(unit)
        if event["action"] != "blob" or _is_new(unit, event):
            unit.append(event)
    return units


def _continues(unit: Unit, event: Entry) -> bool:
    """Whether the event belongs to what this client did last."""
    last = unit[-1]
    if event["action"] == "blob":
        return bool(last["action"] in FETCHES)
    return bool(event["action"] == "pull" and last["action"] == "head" and last["digest"] == event["digest"])


def _is_new(unit: Unit, blob: Entry) -> bool:
    """Whether a blob says something that the unit does not say. That one was asked for twice does: who only looks at an
    image asks for its config, and once (labkit/seen/registries.py)."""
    blobs = [entry["digest"] for entry in unit if entry["action"] == "blob"]
    return len(blobs) < BLOBS and blobs.count(blob["digest"]) < 2


def _group(event: Entry) -> tuple[str, ...]:
    if event["status"] >= 400:
        return ("refused", event["action"])
    return ("fetch" if event["action"] in FETCHES else event["action"], event["registry"])


def _kind(unit: Unit) -> Hashable:
    """What a unit says, but for when."""
    first = unit[0]
    who = (first["registry"], first["repository"], first["client"], _asker(first["agent"]))
    does = tuple(
        (entry["action"], entry["user"], entry["reference"], entry["digest"], entry["status"], entry["reason"])
        for entry in unit
        if entry["action"] != "blob"
    )
    return who, does, tuple(sorted((entry["status"], entry["digest"]) for entry in unit if entry["action"] == "blob"))


def _place(unit: Unit) -> Hashable:
    first = unit[0]
    fetch = (first["client"], _asker(first["agent"]), first["digest"]) if first["action"] in FETCHES else ()
    return first["repository"], first["user"], fetch


def _asker(agent: str) -> tuple[bool, bool]:
    """Whether an engine asked, and whether for somebody (labkit/seen/log.py, Event)."""
    return agent.startswith("docker/"), "UpstreamClient" in agent


def _latest(units: list[Unit], kind: Callable[[Unit], Hashable]) -> list[Unit]:
    """The last of each kind, in order."""
    last = {kind(unit): number for number, unit in enumerate(units)}
    return [units[number] for number in sorted(last.values())]


def _at_most(units: list[Unit], most: int, place: Callable[[Unit], Hashable]) -> list[Unit]:
    """The newest of each place, at most so many, in order."""
    found: dict[Hashable, int] = defaultdict(int)
    told = []
    for unit in reversed(units):
        found[place(unit)] += 1
        if found[place(unit)] <= most:
            told.append(unit)
    return told[::-1]
