"""Starts, completes and repairs labs: each as a list of named steps."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from labkit.lab import contexts, find
from labkit.lab.engine import images, recipes
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import create, keeper, machines, network, pki, swarm, sweep
from labkit.lab.lifecycle.site import Site
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import EXTRAS, MANAGER, Machine, Plan
from labkit.paths import Home
from labkit.work import keeping

ELSEWHERE = "free some space there, or use another disk: LABKIT_STATE=/elsewhere labkit up"


@contextlib.contextmanager
def lock(home: Home, say: Say) -> Iterator[None]:
    """Only one `up` or `down` of a lab at a time; the other waits. The system lets go of it when a process dies. Raises
    keeping.Unwritable."""
    with keeping.writing(
        "The lab's lock", "free some space there, or use another disk: LABKIT_CACHE=/elsewhere labkit up"
    ):
        home.cache.mkdir(parents=True, exist_ok=True)
        handle = os.open(home.cache / f"{home.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another labkit that is starting or ending this lab")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def up(engine: Engine, home: Home, plan: Plan, say: Say) -> Lab:
    """Starts the lab that is planned, or completes and repairs what is there of it, and returns it ready.

    A lab that is up keeps its learner and its deadline; workers and extras are added. Raises LabError: find.Foreign where the
    lab of that name is somebody else's, keeping.Unwritable where this side's disk is full.
    """
    lab = find.on(engine, home)
    if lab:
        find.adopt(lab)
    image = _image(engine, lab, say)
    if lab is None or lab.expired or not pki.hold(lab):
        # Volumes and networks of an `up` that was killed are found by their labels even where no container is.
        sweep.everything(engine, home, say)
        if lab:
            keeper.stop(home)  # it keeps the time limit of a lab that is no more
        _begin(home)
        lab = None
    plan = lab.plan.grown(plan) if lab else replace(plan, owner=home.owner, start=plan.start or new_start())
    own = recipes.ensure(engine, plan.machines, image, say)
    site = Site(engine, home, plan, say, there=lab.parts if lab else {}, image=image, recipes=own)
    says = f"starting {len(plan.machines)} machines"
    if lab:
        whole = not site.lab.missing
        says = "checking the lab that is up" if whole else "repairing the lab"
    with site.open:
        run([*starting(site, plan.machines, says), *joining(site)], say, site.over)
    return site.lab


def new_start() -> str:
    """For Plan.start."""
    return secrets.token_hex(8)


def _begin(home: Home) -> None:
    """This side, for a lab that is made anew. A JupyterLab that outlived its lab goes on."""
    with keeping.writing("The lab's state", ELSEWHERE):
        keeper.stop(home)
        home.clear_state()
        home.state.mkdir(parents=True, exist_ok=True)
        contexts.close(home.state)  # until there are machines for them to lead to


def repair(lab: Lab, say: Say) -> Lab:
    """Starts what has stopped and brings the Swarm back to order; makes no machine. Returns the lab. Raises LabError."""
    site = Site.of(lab, say)
    with site.open:
        run([*starting(site, site.plan.machines), *joining(site)], say)
    return site.lab


def start_extra(lab: Lab, name: str, say: Say) -> Lab:
    """Adds a part beyond the standard lab, one of EXTRAS, to a lab that is up; nothing else is touched. Raises LabError."""
    with lock(lab.home, say):
        lab = find.on(lab.engine, lab.home) or lab
        plan = lab.plan.grown(replace(lab.plan, extras=(name,)))
        image = _image(lab.engine, lab, say)
        own = recipes.ensure(lab.engine, EXTRAS[name], image, say)
        site = Site(lab.engine, lab.home, plan, say, there=lab.parts, image=image, recipes=own)
        with site.open:
            run(starting(site, EXTRAS[name], f"starting the {name}"), say)
    return site.lab


def _image(engine: Engine, lab: Lab | None, say: Say) -> str:
    """The image of the lab's machines; built where it is missing. A lab of Docker Compose's has one of its own."""
    if lab and lab.plan.composed and (held := [part.image for part in lab.parts.values() if part.role == "edge"]):
        return held[0]
    return images.ensure(engine, say)


def making(site: Site) -> list[Step]:
    """What must be there before any machine can be made."""
    return [
        Step("network", partial(network.ensure, site)),
        Step("keys", partial(_make_keys, site)),
        Step("tools", create.prepare),
    ]


def _make_keys(site: Site) -> None:
    with keeping.writing("The lab's keys", ELSEWHERE):
        pki.make(site.home.state / "pki", site.plan)


def starting(site: Site, chosen: Sequence[Machine], says: str = "") -> list[Step]:
    """Each of these machines started, or made where the site makes machines, until it answers."""
    made = making(site) if any(map(site.lacks, chosen)) else []
    steps = [*made, Step("machines", lambda: None, tuple(step.name for step in made), says)]
    for machine in chosen:
        steps.append(Step(f"start {machine.name}", partial(machines.start, site, machine), ("machines",)))
        steps.append(Step(f"reach {machine.name}", partial(machines.answer, site, machine), (steps[-1].name,)))
    return steps


def joining(site: Site) -> list[Step]:
    """The nodes as one Swarm, each as soon as it answers, and what a learner finds on them."""
    workers = [machine.name for machine in site.plan.nodes if machine.name != MANAGER]
    says = "checking the Swarm" if site.there else "creating the Swarm"
    reached = tuple(f"reach {machine.name}" for machine in site.plan.nodes)  # one that had to start again is elsewhere
    return [
        Step("contexts", partial(machines.write_contexts, site), reached),
        Step("sample", partial(machines.load_sample, site), (f"reach {MANAGER}",)),
        Step("seeded images", partial(machines.restore_seeded, site), ("reach edge",)),
        Step("manager", partial(swarm.manage, site), (f"reach {MANAGER}",), says),
        *(Step(f"join {name}", partial(swarm.join, site, name), ("manager", f"reach {name}")) for name in workers),
        Step("order", partial(swarm.tidy, site), ("manager", *(f"join {name}" for name in workers))),
    ]
