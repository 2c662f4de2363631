"""Runs named steps, each as soon as those that it needs are done, side by side."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from labkit.lab.engine.engines import Say


@dataclass(frozen=True)
class Step:
    """`needs` names steps that stand before it in the list. `says` is told when it begins; "" for nothing."""

    name: str
    do: Callable[[], None]
    needs: tuple[str, ...] = ()
    says: str = ""


def run(steps: Iterable[Step], say: Say) -> None:
    """Does all of them. What one raises, none that needs it is tried; the first such error in the list's order is raised
    once every other step has ended."""
    listed = list(steps)
    done: dict[str, Future[None]] = {}

    def do(step: Step, needed: list[Future[None]]) -> None:
        for before in needed:
            before.result()
        if step.says:
            say(step.says)
        step.do()

    # A thread each: one that waits for another never keeps that one from running.
    with ThreadPoolExecutor(max(1, len(listed))) as pool:
        for step in listed:
            done[step.name] = pool.submit(do, step, [done[name] for name in step.needs])
    for future in done.values():
        future.result()
