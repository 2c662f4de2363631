"""Runs named steps in parallel, each as soon as the steps that it needs are done."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from labkit.lab.engine.engines import Say

BEAT = 0.5
"""An interruption is noticed within this many seconds."""


@dataclass(frozen=True)
class Step:
    """`needs` names earlier steps in the list. `says` is shown when the step begins, unless it is ""."""

    name: str
    do: Callable[[], None]
    needs: tuple[str, ...] = ()
    says: str = ""


class Abandoned(Exception):
    """A step was not done, or not completely: everything was interrupted."""


def run(steps: Iterable[Step], say: Say, over: threading.Event | None = None) -> None:
    """Runs all of them. If one raises, the steps that need it are not tried. When all others have ended, the first error in the
    list's order is raised.

    If the caller is interrupted (Ctrl-C), no new step begins, `over` tells waiting steps to stop, and the interruption is
    raised when all have ended: nothing is created behind its back.
    """
    listed = list(steps)
    done: dict[str, Future[None]] = {}
    ended = threading.Event() if over is None else over
    complete = threading.Event()

    def do(step: Step, needed: list[Future[None]]) -> None:
        complete.wait()  # a thread that is interrupted while it is being started is one that nobody waits for
        for before in needed:
            before.result()
        if ended.is_set():
            raise Abandoned(step.name)
        if step.says:
            say(step.says)
        step.do()

    # A thread each: one that waits for another never keeps that one from running.
    pool = ThreadPoolExecutor(max(1, len(listed)))
    try:
        for step in listed:
            done[step.name] = pool.submit(do, step, [done[name] for name in step.needs])
        complete.set()
        # By beats: a signal that comes just before a thread begins to wait does not wake it.
        while wait(done.values(), timeout=BEAT).not_done:
            pass
    except BaseException:
        ended.set()
        raise
    finally:
        complete.set()
        pool.shutdown()
    for future in done.values():
        future.result()
