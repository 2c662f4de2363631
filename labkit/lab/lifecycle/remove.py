"""Removes a lab and everything that belongs to it."""

import contextlib
import os
import shutil
from collections.abc import Callable
from functools import partial

from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine import bases, engines, images, own
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import keeper, provision, sweep
from labkit.lab.lifecycle.steps import Step, run
from labkit.paths import JUPYTER_FILES, Home


def everything(
    home: Home, say: Say, purge: bool = False, stop: Callable[[], None] | None = None, start: str | None = None
) -> bool:
    """Removes the lab from every engine that answers, its processes, keys and files. Returns whether there was any of it.
    Docker contexts stay behind that lead nowhere (contexts.close).

    A lab that is somebody else's is left alone: where there is no other, that is find.Foreign. With `start`, so is everything
    where the lab of another start (Plan.start) is there: then this one has ended before.

    The learner's folder stays. So does the lab image, and the data folder of an engine of the lab's own, which holds it:
    `purge` removes these too. `stop` ends what runs in the lab on this side, JupyterLab; without it that goes on without a lab.
    Raises LabError.
    """
    with provision.lock(home, say):
        return locked(home, say, purge, stop, start)


def locked(
    home: Home, say: Say, purge: bool = False, stop: Callable[[], None] | None = None, start: str | None = None
) -> bool:
    """The same, for a caller that holds the lock."""
    carrying = list(engines.running(home))
    # LABKIT_ENGINE says which engine to look at: what another one left is none of this lab's.
    asked = home.engine in ("", engines.own_url(home))
    if not asked or any(engine.own for engine in carrying) or not own.was_left(home):
        return _from(carrying, home, say, purge, stop, start)
    with own.revived(home, say) as engine:
        return _from([*carrying, engine], home, say, purge, stop, start)


def _from(
    carrying: list[Engine], home: Home, say: Say, purge: bool, stop: Callable[[], None] | None, start: str | None
) -> bool:
    """The same, on these engines."""
    there = home.used
    found, foreign = _parts(carrying, home)
    if start is not None and any(parts.starts - {start} for parts in found.values()):
        return False
    if foreign and not any(parts.starts for parts in found.values()):
        raise foreign
    removed: list[int] = []
    steps = [Step(engine.url, partial(_sweep, engine, home, say, removed)) for engine in carrying if engine in found]
    if keeper.pid(home) != os.getpid():
        steps.append(Step("keeper", partial(keeper.stop, home)))
    if stop:
        steps.append(Step("this side", stop))
    run(steps, say)
    for engine in carrying:
        if purge:
            _remove_images(engine)
        if engine.own and _unused(engine):
            say("stopping the lab's own Docker Engine")
            own.stop(home)
            if purge:
                own.purge(home)
    home.clear_state(() if stop else JUPYTER_FILES)
    with contextlib.suppress(OSError):
        contexts.close(home.state)
    with contextlib.suppress(OSError):
        home.state.rmdir()  # kept with the contexts in it
        home.state.parent.rmdir()  # kept where another lab's state lies in it
    if purge:
        shutil.rmtree(home.cache, ignore_errors=True)
        if not carrying:
            own.purge(home)
    return there or any(removed)


def _parts(carrying: list[Engine], home: Home) -> tuple[dict[Engine, sweep.Parts], find.Foreign | None]:
    """What exists of the home's lab on each engine where nobody else has a lab with its name; and why other engines are left
    out."""
    found: dict[Engine, sweep.Parts] = {}
    foreign = None
    for engine in carrying:
        try:
            found[engine] = sweep.parts(engine, home)
        except find.Foreign as error:
            foreign = error
    return found, foreign


def _sweep(engine: Engine, home: Home, say: Say, removed: list[int]) -> None:
    removed.append(sweep.everything(engine, home, say))


def _remove_images(engine: Engine) -> None:
    for image in (images.name(), bases.MADE_BASE):
        with contextlib.suppress(WireError, LabError), engine.wire(timeout=60) as wire:
            wire.request("DELETE", f"/images/{image}?force=1")


def _unused(engine: Engine) -> bool:
    """Whether this engine runs for no lab. One that another lab's `down` has ended meanwhile needs no stopping, and the one
    that may run in its place is somebody else's."""
    try:
        return not sweep.used_by_labs(engine)
    except WireError:
        return False
