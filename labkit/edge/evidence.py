"""What of an access log still counts. Pure: entries in, fewer entries out, in the same order.

An exercise counts what happened since it was begun, that is since a reset, and asks what there was, and whether it was before
or after something else. So of the same thing done many times between two resets the first and the last say all that all of
them say. These are kept, however much came after them, of more kinds than an honest lab ever has. The newest entries are kept
as they are: they are what people are told of.

Grading reads four things of a log (labkit/content/facts): the last refusal or sign-in; the last push of each tag; what was
pushed or fetched before or after; and pulls, which are a look (head), a manifest (pull) and its blobs, in this order, from one
client. Those belong together, so they are kept or left out together; and so do a look and the refusal that came after it.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Any

Entry = dict[str, Any]
Unit = list[Entry]
"""Entries that tell something together: a pull, or a single one."""
Kind = tuple[Unit, Unit]
"""The first and the last unit of what says the same."""
Named = tuple[tuple[int, Hashable], Kind]
"""A kind, by the number of the reset that it came after and by what it says."""

NEWEST = 150
"""Entries that are kept whatever they are. A lesson makes fewer."""

FETCHES = ("head", "pull", "blob")

KINDS = {"refused": 40, "login": 50, "push": 500, "delete": 50, "fetch": 400}
"""How many kinds are kept, the newest: of refusals for each action, of what succeeded for each registry."""

SAME_PLACE = 8
"""Kinds that are kept of one tag's pushes, and of one client's fetches of one manifest: so many of the newest, and so many of
those with the most blobs."""

SOON = 60
"""Seconds in which a refusal comes after the look at the same manifest (labkit/seen/registries.py has the same)."""

BLOBS = 150
"""Blobs that are kept of one pull; an image has up to 127 layers (moby, layer/layer_store.go: maxLayerDepth)."""


def kept(events: Sequence[Entry], resets: Sequence[Entry] = ()) -> list[Entry]:
    """Those of these events that still count, where exercises were begun at these resets."""
    begun = sorted(reset["seq"] for reset in resets)
    newest = {entry["seq"] for entry in events[len(events) - min(NEWEST, len(events)) :]}
    seqs = set(newest)
    groups: dict[tuple[str, ...], dict[tuple[int, Hashable], Kind]] = defaultdict(dict)
    units = _units(events)
    for unit in units:
        if unit[-1]["seq"] in newest:  # blobs without their pull would be taken for those of another one
            seqs.update(entry["seq"] for entry in unit)
        kinds, refused = groups[_group(unit)], _is_refused(unit)
        when = 0 if refused else bisect(begun, unit[0]["seq"])  # of refusals the last counts, whenever it was
        first = kinds.pop((when, _kind(unit)), (unit, unit))[0]  # so that kinds are in the order of their last
        kinds[when, _kind(unit)] = (unit if refused else first, unit)
    for (sort, *_), kinds in groups.items():
        told = list(kinds.items())
        if sort != "refused":
            told = _at_most(told)
        seqs.update(entry["seq"] for _, both in told[-KINDS[sort] :] for unit in both for entry in unit)
    _keep_apart(units, seqs)
    return [entry for entry in events if entry["seq"] in seqs]


def latest(resets: Sequence[Entry], most: int) -> list[Entry]:
    """Those of these resets that are the last one of an exercise, of at most so many."""
    last = {slug: reset["seq"] for reset in resets for slug in reset["exercises"]}
    seqs = {*last.values(), *(reset["seq"] for reset in resets[-1:])}
    return [reset for reset in resets if reset["seq"] in seqs][-most:]


def _keep_apart(units: Iterable[Unit], seqs: set[int]) -> None:
    """Adds to the kept what stood between a look and a manifest that did not follow it: one machine does two things at once.
    Without it the two would be read as one pull."""
    streams: dict[Hashable, list[tuple[Entry, Unit]]] = defaultdict(list)
    for unit in units:
        if unit[0]["action"] not in ("login", "push"):
            # A manifest that was refused stands between, too, as where pulls are read (labkit/seen/registries.py).
            read = [entry for entry in unit if entry["status"] < 400 or entry["action"] == "pull"]
            streams[_stream(unit[0])] += [(entry, unit) for entry in read]
    for stream in streams.values():
        stream.sort(key=lambda one: one[0]["seq"])
        while _add_between(stream, seqs):
            pass


def _add_between(stream: list[tuple[Entry, Unit]], seqs: set[int]) -> bool:
    """Whether there was such a place in this stream."""
    kept = [number for number, (entry, _) in enumerate(stream) if entry["seq"] in seqs]
    for one, other in pairwise(kept):
        if other > one + 1 and _follows(stream[one][0], stream[other][0]):
            seqs.update(entry["seq"] for entry in stream[other - 1][1])
            return True
    return False


def _stream(event: Entry) -> Hashable:
    return event["registry"], event["repository"], event["client"], event["agent"]


def _units(events: Iterable[Entry]) -> list[Unit]:
    """All events as units, by the number with which each begins."""
    units: list[Unit] = []
    going: dict[Hashable, Unit] = {}
    looks: dict[Hashable, Unit] = {}
    for event in events:
        if event["status"] >= 400 or event["action"] in ("login", "push"):
            look = looks.get((_stream(event), event["reference"])) if event["action"] == "pull" else None
            if look and len(look) == 1 and event["time"] - look[0]["time"] <= SOON:
                look.append(event)
                if going.get(_stream(event)) is look:
                    del going[_stream(event)]
            else:
                units.append([event])
            continue
        # A delete is none of these, but stands between them.
        stream = _stream(event)
        unit = going.get(stream)
        if unit is None or not _continues(unit, event):
            unit = going[stream] = []
            units.append(unit)
        if event["action"] != "blob" or _is_new(unit, event):
            unit.append(event)
        if event["action"] == "head":
            looks[stream, event["digest"]] = unit
    return units


def _continues(unit: Unit, event: Entry) -> bool:
    """Whether the event belongs to what this client did last."""
    last = unit[-1]
    if event["action"] == "blob":
        return bool(last["action"] in FETCHES)
    return _follows(last, event)


def _follows(look: Entry, event: Entry) -> bool:
    """Whether the event fetches the manifest that was looked at."""
    return bool(event["action"] == "pull" and look["action"] == "head" and look["digest"] == event["digest"])


def _is_new(unit: Unit, blob: Entry) -> bool:
    """Whether a blob says something that the unit does not say. That one was asked for twice does: who only looks at an
    image asks for its config, and once (labkit/seen/registries.py)."""
    blobs = [entry["digest"] for entry in unit if entry["action"] == "blob"]
    return len(blobs) < BLOBS and blobs.count(blob["digest"]) < 2


def _is_refused(unit: Unit) -> bool:
    """Whether it is a refusal, with or without the look before it."""
    return bool(unit[-1]["status"] >= 400)


def _group(unit: Unit) -> tuple[str, ...]:
    event = unit[-1]
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
    if first["action"] in FETCHES:
        return first["repository"], first["user"], first["client"], _asker(first["agent"]), first["digest"]
    return first["repository"], first["user"], first["reference"]


def _asker(agent: str) -> tuple[bool, bool]:
    """Whether an engine asked, and whether for somebody (labkit/seen/log.py, Event)."""
    return agent.startswith("docker/"), "UpstreamClient" in agent


def _at_most(kinds: list[Named]) -> list[Named]:
    """Of each place those kinds that are the newest, and those that are the largest, in the same order."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for number, ((when, _), (_, last)) in enumerate(kinds):
        places[when, _place(last)].append(number)
    chosen = set()
    for numbers in places.values():
        large = sorted(numbers, key=lambda number: (len(kinds[number][1][1]), number))
        chosen.update(numbers[-SAME_PLACE:], large[-SAME_PLACE:])
    return [kinds[number] for number in sorted(chosen)]
