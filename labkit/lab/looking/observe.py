"""Observes a lab once, everything in parallel, and returns a plain value. Nothing else reads the lab."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import depot, edge, engines, kubernetes, mirror, pages, runs, secured, sign_ins, swarm
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.depot import Depot
from labkit.seen.mirror import Mirror
from labkit.seen.observation import About, Observation, sections
from labkit.seen.registries import Registries
from labkit.work import answers

EVERYTHING = tuple(name for name in sections() if name != "store")
"""The sections that are observed by default. The store is not one of them: it costs more the more it holds."""

Look = Callable[[], Any]


def observe(lab: Lab | None = None, wanted: Iterable[str] = EVERYTHING) -> Observation:
    """What the lab holds now in these sections, and what is on this side. Whatever does not answer is listed under
    `unobserved`. Raises LabError if no lab runs or its owner does not answer."""
    lab = lab or find.current()
    named = tuple(wanted)
    said = Claims(
        here=sign_ins.kept(contexts.config(lab.folder), lab.person) if "sign_ins" in named else None,
        answers=answers.load(lab.work) if "answers" in named else None,
    )
    return lab.access.observe(lab, named, said)


def machines(lab: Lab, wanted: Iterable[str], said: Claims = NOTHING) -> Observation:
    """The same, with what the learner's side says: answers, and sign-ins made there. Only the lab's owner can look."""
    named = tuple(wanted)
    seen: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    # The mirror before the Hub's log: what it served must not be told without what it asked the Hub for.
    if "mirror" in named:
        _look({"mirror": partial(mirror.look, lab)}, seen, gaps)
    _look(_looks(lab, named), seen, gaps)
    told = seen.get("edge", {})
    asked = _pages(lab, seen, gaps) if "pages" in named else {}
    if "edge" in gaps:
        gaps |= dict.fromkeys(_of_edge(named), gaps.pop("edge"))
    return Observation(
        labkit=lab.plan.version,
        content=exercises.version(),
        lab=About(name=lab.name, person=lab.person),
        taken=datetime.now(UTC).isoformat(timespec="milliseconds"),
        unobserved=gaps | told.get("unobserved", {}) | asked.get("unobserved", {}),
        registries=_beside(told.get("registries"), seen.get("mirror"), seen.get("depot")),
        store=told.get("store"),
        log=told.get("log"),
        engines=_by_machine("engines", seen) if "engines" in named else None,
        sign_ins=_by_machine("sign_ins", seen) if "sign_ins" in named else None,
        mirror=seen.get("mirror"),
        swarm=seen.get("swarm") if "swarm" in named else None,
        pages=asked.get("pages"),
        runs=seen.get("runs"),
        secured=seen.get("secured"),
        depot=seen.get("depot"),
        kubernetes=seen.get("kubernetes"),
    ).claiming(said)


def _look(looks: dict[str, Look], seen: dict[str, Any], gaps: dict[str, str]) -> None:
    """Adds what is seen, all of it in parallel, and why the rest is not."""
    with ThreadPoolExecutor(max(len(looks), 1)) as pool:
        for name, future in [(name, pool.submit(look)) for name, look in looks.items()]:
            try:
                seen[name] = future.result()
            except LabError as error:
                gaps[name] = error.what
            except (WireError, msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
                gaps[name] = f"{type(error).__name__}: {error}."


def _looks(lab: Lab, named: tuple[str, ...]) -> dict[str, Look]:
    """What to ask, by section; for sections that several machines report, by section/machine."""
    machines = [part.machine for part in lab.nodes]
    looks: dict[str, Look] = {}
    if asked := _of_edge(named):
        looks["edge"] = lambda: edge.look(lab, asked)
    for machine in machines if "engines" in named else ():
        looks[f"engines/{machine}"] = lambda machine=machine: engines.look(lab, machine)  # type: ignore[misc]
    for machine in machines if "sign_ins" in named else ():
        looks[f"sign_ins/{machine}"] = lambda machine=machine: sign_ins.look(lab, machine)  # type: ignore[misc]
    if "swarm" in named or "pages" in named:
        looks["swarm"] = lambda: swarm.look(lab)
    if "depot" in named:
        looks["depot"] = lambda: depot.look(lab)
    if "runs" in named:
        looks["runs"] = lambda: runs.look(lab)
    if "secured" in named:
        looks["secured"] = lambda: secured.look(lab)
    if "kubernetes" in named:
        looks["kubernetes"] = lambda: kubernetes.look(lab)
    return looks


def _pages(lab: Lab, seen: dict[str, Any], gaps: dict[str, str]) -> dict[str, Any]:
    """What the apps of tasks answer; where the Swarm does not say which there are, that is why they are not to be seen."""
    if "swarm" not in seen:
        return {"unobserved": {"pages": gaps["swarm"]}}
    try:
        return pages.look(lab, seen["swarm"])
    except LabError as error:
        return {"unobserved": {"pages": error.what}}


def _beside(held: Registries | None, one: Mirror | None, other: Depot | None) -> Registries | None:
    """The lab's registries, with those that run on machines of their own."""
    if held and one:
        held = mirror.beside(held, one)
    return depot.beside(held, other) if held and other else held


def _of_edge(named: tuple[str, ...]) -> list[str]:
    return [name for name in named if name in edge.SECTIONS]


def _by_machine(section: str, seen: dict[str, Any]) -> dict[str, Any]:
    return {key.partition("/")[2]: value for key, value in seen.items() if key.startswith(f"{section}/")}
