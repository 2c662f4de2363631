"""Runs named steps, each as soon as those that it needs are done, side by side."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from labkit.lab.engine.engines import Say

BEAT = 0.5
"""Seconds after which at the latest an interruption is noticed."""


@dataclass(frozen=True)
class Step:
    """`needs` names steps that stand before it in the list. `says` is told when it begins; "" for nothing."""

    name: str
    do: Callable[[], None]
    needs: tuple[str, ...] = ()
    says: str = ""


class Abandoned(Exception):
    """A step was not done, or not to its end: the whole was interrupted."""


def run(steps: Iterable[Step], say: Say, over: threading.Event | None = None) -> None:
    """Does all of them. What one raises, none that needs it is tried; the first such error in the list's order is raised
    once every other step has ended.

    Where the caller is interrupted meanwhile (Ctrl-C), no other step is begun, `over` tells those that wait for something, and
    what interrupted it goes on once they all have ended: nothing is made behind its back."""
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
