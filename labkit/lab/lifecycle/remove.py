"""Takes a lab away with everything that belongs to it."""

import contextlib
import os
import shutil

from labkit import paths
from labkit.errors import LabError
from labkit.jupyter import server as jupyter
from labkit.lab.engine import engines as engine
from labkit.lab.engine import images
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle import keeper, provision


def everything(say: Say, purge: bool = False, keep_jupyter: bool = False) -> bool:
    """Removes the lab from every engine that answers, its processes, keys and files. Returns whether there was any of it.

    The learner's folder stays. So does the lab image, and the data folder of an engine of the lab's own, which holds it:
    `purge` removes these too. With `keep_jupyter` JupyterLab goes on without a lab. Raises LabError.
    """
    with provision.lock(say):
        there = paths.state().exists()
        if keeper.pid() != os.getpid():
            keeper.stop()
        if not keep_jupyter:
            jupyter.stop()
        engines = list(engine.running())
        if not any(one.own for one in engines) and _own_was_left():
            # Killed together with its machine, or by hand: only an engine can clear what another one left.
            engines.append(engine.start_own(say))
        removed = [provision.sweep(one, say) for one in engines]
        for one in engines:
            if purge:
                _remove_images(one)
            if one.own and not provision.used_by_labs(one):
                say("ending the lab's own engine")
                engine.stop_own()
                if purge:
                    engine.purge_own()
        paths.clear_state(paths.JUPYTER_FILES if keep_jupyter else ())
        with contextlib.suppress(OSError):
            paths.state().rmdir()
            paths.state().parent.rmdir()  # kept where another lab's state lies in it
        if purge:
            shutil.rmtree(paths.cache(), ignore_errors=True)
            if not engines:
                engine.purge_own()
    return there or any(removed)


def _own_was_left() -> bool:
    """Whether the lab's own engine was cut off with containers in its data folder."""
    containers = paths.engine_data() / "containers"
    return engine.can_start_own() and containers.is_dir() and any(containers.iterdir())


def _remove_images(one: Engine) -> None:
    for image in (images.name(), images.MADE_BASE):
        with contextlib.suppress(WireError, LabError), one.wire(timeout=60) as wire:
            wire.request("DELETE", f"/images/{image}?force=1")
