"""The panels of a kernel: one watch for all of them, and what they share."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from labkit.jupyter import commands
from labkit.jupyter.commands import Step
from labkit.jupyter.failures import Memory
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking.sight import Sight
from labkit.lab.looking.watch import Watch
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.observation import Observation
from labkit.view import feed
from labkit.view.render import Explained, Work

if TYPE_CHECKING:
    from labkit.jupyter.panel import Panel

FLIES = {"push", "pull"}
"""What moves an image, and so a dot along the picture's arrow."""


class Panels:
    """What the panels of this kernel share: the watch, two workers for what takes long, and what was done last."""

    def __init__(self, memory: Memory, watch: Watch) -> None:
        self.memory, self.watch = memory, watch
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="labkit-panel")
        self.work: Work | None = None
        self.failed = ""
        self.explained: Explained | None = None
        self.findings: tuple[Finding, ...] = ()
        self._panels: dict[tuple[str, str], Panel] = {}
        self._newest: int | None = None
        self._lock = threading.Lock()
        self.watch.listen(self.tell)

    def open(self, key: tuple[str, str], panel: "Panel") -> None:
        """Has this panel show what comes, in the place of an older one with that key."""
        if old := self._panels.pop(key, None):
            old.close()
        self._panels[key] = panel

    def tell(self, sight: Sight) -> None:
        """A new sight: every panel shows it, what it makes done is kept, and what moved since the last one flies."""
        self.show(sight)
        for panel in list(self._panels.values()):
            try:
                panel.keep(sight)
            except Exception as error:  # a full disk must not end the watch
                panel.broke(error)
        if sight.observation:
            self._fly(sight.observation)

    def show(self, sight: Sight | None = None) -> None:
        """Shows this sight, or the last one. Writes nothing."""
        with self._lock:
            sight = sight or self.watch.last
            for panel in list(self._panels.values()) if sight else ():
                assert sight is not None
                try:
                    panel.show(sight)
                except Exception as error:  # the other panels, and the watch, go on
                    panel.broke(error)

    def _fly(self, seen: Observation) -> None:
        moved = feed.lines(SeenLab(seen))
        since, self._newest = self._newest, max((line.seq for line in moved), default=0)
        if since is None:
            return
        ways = {line.action for line in moved if line.seq > since and line.ok} & FLIES
        for panel in list(self._panels.values()):
            for way in sorted(ways):
                panel.send({"fly": way})

    def run(self, title: str, words: list[str]) -> None:
        """Runs a labkit command and shows its steps as they come."""
        if self.work:
            return

        def tell(step: Step) -> None:
            self.work = Work(title, step.text, min(step.number, step.of - 1), step.of, round(step.seconds))
            self.show()

        self.failed, self.work = "", Work(title, "starting")
        self.show()
        try:
            self.failed = commands.run(words, tell)
        finally:
            self.work = None
        self.watch.wake()
        self.show()

    def image_names(self) -> list[str]:
        """Every name of an image that the last sight knows."""
        if self.watch.last is None or self.watch.last.observation is None:
            return []
        seen, names = SeenLab(self.watch.last.observation), set[str]()
        try:
            for registry in seen.registries.values():
                for repository, tags in registry.repositories.items():
                    names |= {registry.name(repository, tag) for tag in tags}
            names |= set(seen.workstation.tags)
        except Unobserved:
            pass
        return sorted(names)
