"""Looks at a lab once, everything side by side, and returns what is there as a plain value. The only reader."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import edge, engines, pages, sign_ins, swarm
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.observation import About, Observation, sections
from labkit.work import answers

EVERYTHING = tuple(name for name in sections() if name != "store")
"""The sections that are looked at where nobody says which: the store's costs more the more it holds."""

Look = Callable[[], Any]


def observe(lab: Lab | None = None, wanted: Iterable[str] = EVERYTHING) -> Observation:
    """What the lab holds now in these sections, and what lies on this side. What does not answer is told as such, under
    `unobserved`. Raises LabError where no lab runs, or where its owner does not answer."""
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
    looks = _looks(lab, named)
    seen: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    with ThreadPoolExecutor(max(len(looks), 1)) as pool:
        for name, future in [(name, pool.submit(look)) for name, look in looks.items()]:
            try:
                seen[name] = future.result()
            except LabError as error:
                gaps[name] = error.what
            except (WireError, msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError) as error:
                gaps[name] = f"{type(error).__name__}: {error}."
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
        registries=told.get("registries"),
        store=told.get("store"),
        log=told.get("log"),
        engines=_by_machine("engines", seen) if "engines" in named else None,
        sign_ins=_by_machine("sign_ins", seen) if "sign_ins" in named else None,
        swarm=seen.get("swarm") if "swarm" in named else None,
        pages=asked.get("pages"),
    ).claiming(said)


def _looks(lab: Lab, named: tuple[str, ...]) -> dict[str, Look]:
    """What there is to ask, by section; of sections that several machines tell of, by section/machine."""
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
    return looks


def _pages(lab: Lab, seen: dict[str, Any], gaps: dict[str, str]) -> dict[str, Any]:
    """What the apps of tasks answer; where the Swarm does not say which there are, that is why they are not to be seen."""
    if "swarm" not in seen:
        return {"unobserved": {"pages": gaps["swarm"]}}
    try:
        return pages.look(lab, seen["swarm"])
    except LabError as error:
        return {"unobserved": {"pages": error.what}}


def _of_edge(named: tuple[str, ...]) -> list[str]:
    return [name for name in named if name in edge.SECTIONS]


def _by_machine(section: str, seen: dict[str, Any]) -> dict[str, Any]:
    return {key.partition("/")[2]: value for key, value in seen.items() if key.startswith(f"{section}/")}
