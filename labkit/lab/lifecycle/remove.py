"""Takes a lab away with everything that belongs to it."""

import contextlib
import os
import shutil
from collections.abc import Callable
from functools import partial

from labkit.errors import LabError
from labkit.lab.engine import bases, engines, images, own
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import keeper, provision, sweep
from labkit.lab.lifecycle.steps import Step, run
from labkit.paths import JUPYTER_FILES, Home


def everything(home: Home, say: Say, purge: bool = False, stop: Callable[[], None] | None = None) -> bool:
    """Removes the lab from every engine that answers, its processes, keys and files. Returns whether there was any of it.

    The learner's folder stays. So does the lab image, and the data folder of an engine of the lab's own, which holds it:
    `purge` removes these too. `stop` ends what runs in the lab on this side, JupyterLab; without it that goes on without a lab.
    Raises LabError.
    """
    with provision.lock(home, say):
        there = home.state.exists()
        carrying = list(engines.running(home))
        if not any(engine.own for engine in carrying) and own.was_left(home):
            carrying.append(own.start(home, say))
        removed: list[int] = []
        steps = [Step(engine.url, partial(_sweep, engine, home.name, say, removed)) for engine in carrying]
        if keeper.pid(home) != os.getpid():
            steps.append(Step("keeper", partial(keeper.stop, home)))
        if stop:
            steps.append(Step("this side", stop))
        run(steps, say)
        for engine in carrying:
            if purge:
                _remove_images(engine)
            if engine.own and not sweep.used_by_labs(engine):
                say("ending the lab's own engine")
                own.stop(home)
                if purge:
                    own.purge(home)
        home.clear_state(() if stop else JUPYTER_FILES)
        with contextlib.suppress(OSError):
            home.state.rmdir()
            home.state.parent.rmdir()  # kept where another lab's state lies in it
        if purge:
            shutil.rmtree(home.cache, ignore_errors=True)
            if not carrying:
                own.purge(home)
    return there or any(removed)


def _sweep(engine: Engine, name: str, say: Say, removed: list[int]) -> None:
    removed.append(sweep.everything(engine, name, say))


def _remove_images(engine: Engine) -> None:
    for image in (images.name(), bases.MADE_BASE):
        with contextlib.suppress(WireError, LabError), engine.wire(timeout=60) as wire:
            wire.request("DELETE", f"/images/{image}?force=1")
