"""The panel's pages: one watch for all of them, and what they share."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from labkit import paths
from labkit.content import exercises
from labkit.jupyter import commands
from labkit.jupyter.commands import Step
from labkit.jupyter.page import Page
from labkit.lab.engine.doctor import Finding
from labkit.lab.looking.sight import Sight
from labkit.lab.looking.watch import Watch
from labkit.seen.lab import SeenLab
from labkit.seen.observation import Observation
from labkit.talking import Line
from labkit.view import compose, feed, motion
from labkit.view.changes import Changes
from labkit.view.picture import built, picture
from labkit.view.render import Help, Work

START = "start"
"""The key of the start page; an exercise's page has its slug."""

GRACE = 10.0
"""Seconds that the watch continues after the last look: if you go from one lesson to the next, it is still running."""

SPOKEN = 500
"""Letters of a message that are read out; the page shows more."""

LONG = {"start", "extend", "stop", "restart", "doctor"}
"""Clicks that other clicks do not wait for."""

Tell = Callable[[dict[str, Any]], None]


class Pages:
    """What the pages share: the watch, which runs while somebody looks; threads for clicks and for long work; and what was
    done last."""

    def __init__(self, watching: Callable[[], Watch] = Watch, grace: float = GRACE) -> None:
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="labkit-page")
        self._clicks = ThreadPoolExecutor(1, thread_name_prefix="labkit-click")  # in the order in which they came
        self.work: Work | None = None
        self.failed = ""
        self.findings: tuple[Finding, ...] = ()
        self.changes = Changes()
        self._watching, self._grace = watching, grace
        self.help = Help()
        """What the classroom says, if there is one."""
        self._line: Line | None = None
        self._rest: threading.Timer | None = None
        self.watch: Watch | None = None
        self._pages: dict[str, Page] = {}
        self._newest: int | None = None
        self._built: frozenset[str] = frozenset()
        """Commits whose images have been seen."""
        self._lock = threading.RLock()

    def known(self) -> dict[str, str]:
        """{file name of a notebook: key of its page}"""
        return {exercises.FIRST: START, **{compose.notebook(slug): slug for slug in exercises.slugs()}}

    # ── who looks ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, key: str, tell: Tell) -> None:
        """Calls `tell` with everything that this page shows, and later with what changes."""
        with self._lock:
            watch = self._begin()
            self._page(key).add(tell)
            last = watch.last
        if last:  # without one the page shows with the watch's first
            self.show(last)
            self._keep(self._page(key), last)

    def close(self, key: str, tell: Tell) -> None:
        """The opposite of `open`. If nobody looks any more, the watch ends soon."""
        with self._lock:
            self._page(key).remove(tell)
            self._end_soon()

    def expect(self) -> None:
        """Somebody will look soon: begins the first look at the lab."""
        with self._lock:
            self._begin()
            self._end_soon()

    def _begin(self) -> Watch:
        if self._rest:
            self._rest.cancel()
        if self.watch is None:
            self._newest = None
            self.watch = self._watching()
            self.watch.listen(self.tell)
            self._line = Line(paths.home(), self.heard)
        return self.watch

    def _end_soon(self) -> None:
        if self.watch and not self._looked_at:
            self._rest = threading.Timer(self._grace, self._end)
            self._rest.daemon = True
            self._rest.start()

    @property
    def _looked_at(self) -> bool:
        return any(page.looked_at for page in self._pages.values())

    def _end(self) -> None:
        with self._lock:
            if self._looked_at or self.watch is None:
                return
            watch, self.watch = self.watch, None
            line, self._line = self._line, None
        if line:
            line.end()
        watch.forget(self.tell)
        watch.stop()

    def click(self, key: str, content: dict[str, Any]) -> None:
        """Does what a click asks for, in another thread: after the clicks before it, unless it takes long."""
        page, what = self._page(key), str(content.get("do"))
        pool = self.pool if what in LONG or (what == "check" and page.tries) else self._clicks
        pool.submit(page.act, content)

    def _page(self, key: str) -> Page:
        with self._lock:
            if key not in self._pages:
                exercise = None if key == START else exercises.load(key)
                self._pages[key] = Page(self, compose.beside(exercise), exercise)
            return self._pages[key]

    # ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────

    def tell(self, sight: Sight) -> None:
        """A new sight: every page shows it, attempts are recorded, and images that moved since the last sight fly."""
        if sight.observation:
            self.changes = self.changes.seen(picture(sight.observation), time.monotonic())
        self.show(sight)
        for page in list(self._pages.values()):
            self._keep(page, sight)
        if sight.observation:
            self._fly(sight.observation)

    def heard(self, now: Help) -> None:
        """The classroom says something: every page shows it, and new messages are read out."""
        before, self.help = self.help, now
        if before.there and now.there:  # who has just opened a page sees what is there already
            newest = max((one.number for one in before.messages), default=0)
            for one in reversed(now.after(newest)):
                self._say(f"Message from {one.by}: {one.text[:SPOKEN]}")
            for who in set(now.asked) - set(before.asked):
                self._say(f"{who} asks to see your terminal. Answer on My page.")
        self.show()

    def _say(self, text: str) -> None:
        for page in list(self._pages.values()):
            page.say(text)

    @staticmethod
    def _keep(page: Page, sight: Sight) -> None:
        try:
            page.keep(sight)
        except Exception as error:  # a full disk must not end the watch
            page.broke(error)

    def show(self, sight: Sight | None = None) -> None:
        """Shows this sight, or the last one. Writes nothing."""
        with self._lock:
            sight = sight or (self.watch.last if self.watch else None)
            for page in list(self._pages.values()) if sight else ():
                assert sight is not None
                try:
                    page.show(sight)
                except Exception as error:  # the other pages, and the watch, go on
                    page.broke(error)

    def _fly(self, seen: Observation) -> None:
        lab, drawn = SeenLab(seen), self.changes.now
        since, self._newest = self._newest, motion.newest(feed.lines(lab))
        known, self._built = self._built, self._built | {*built(lab)}
        if since is None or drawn is None:
            return
        pushed = motion.since(lab, drawn, since) if self._newest > since else []
        for message in [*motion.commits(lab, drawn, known), *pushed]:
            for page in list(self._pages.values()):
                page.send(message)

    # ── what takes long ──────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, title: str, words: list[str]) -> None:
        """Runs a labkit command and shows its steps as they come."""
        with self._lock:  # two clicks at once
            if self.work:
                return
            self.failed, self.work = "", Work(title, "starting")

        def tell(step: Step) -> None:
            self.work = Work(title, step.text, min(step.number, step.of - 1), step.of, round(step.seconds))
            self.show()

        self.show()
        try:
            self.failed = commands.run(words, tell)
        finally:
            self.work = None
        if self.watch:
            self.watch.wake()
        self.show()
