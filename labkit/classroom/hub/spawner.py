"""Starts a learner's JupyterLab, when the classroom has started their lab: as a system user of their own, on this server, or by
the broker of the server that has the lab."""

import asyncio
import contextlib
import hashlib
import pwd
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import psutil
from jupyterhub.spawner import LocalProcessSpawner, Spawner
from traitlets import Any as Whatever

from labkit import talking
from labkit.classroom.hub import asking, config, limits, users, workplace
from labkit.classroom.hub.config import Secrets, Settings
from labkit.errors import LabError

STEPS = 30
"""So many steps fill most of the bar on JupyterHub's page."""


TELLING = 5.0
"""Seconds that the classroom has to hear that a server was stopped: at its own end it does not."""


class LabSpawner(LocalProcessSpawner):  # type: ignore[misc]
    settings = Whatever(help="a Settings").tag(config=True)
    kept = Whatever(help="a Secrets").tag(config=True)

    stopped: ClassVar[dict[str, str]] = {}
    """By user: why the last server was stopped, for the one who opens it again. JupyterHub makes a spawner for each start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._said: list[str] = []
        self._news = asyncio.Event()
        self._group = limits.Group((), 0)
        self._token = ""
        """With this the learner's JupyterLab hears what their instructor says."""
        self._at = ""
        """The server that the JupyterLab is on; "" for this one."""

    async def start(self) -> tuple[str, int]:
        """Raises what JupyterHub shows to the learner: what is wrong and what helps."""
        self._said = []
        self._tell(self.stopped.pop(self.user.name, ""))
        try:
            return await self._start()
        except LabError as error:
            shown = RuntimeError(str(error))
            shown.jupyterhub_message = f"{error.what} {error.fix}".strip()  # type: ignore[attr-defined]
            raise shown from error

    async def _start(self) -> tuple[str, int]:
        """The lab first: it says on which server the JupyterLab is to be."""
        asked: dict[str, Any] = {"name": self.user.name}
        await self._ask("/api/hub/may", asked)  # an answer of one piece: it says why not
        self._at = str((await self._follow("/api/hub/lab", asked))["at"])
        if self._at:
            asked = {**asked, "environment": workplace.told(Spawner.get_env(self))}
            return "127.0.0.1", int((await self._follow("/api/hub/jupyter", asked))["port"])
        await self._prepare()
        self._tell("starting JupyterLab")
        place: tuple[str, int] = await super().start()
        return place

    async def _prepare(self) -> None:
        """The system user, the access to the lab in the user's home, and the share of this machine."""
        settings: Settings = self.settings
        name, homes = self.user.name, Path(settings.homes)
        self._tell("making your place on this machine")
        home = await asyncio.to_thread(users.ensure, name, settings.realm, homes)
        # A server that was being started when JupyterHub was killed: the next one does not know of it.
        await asyncio.to_thread(users.end_processes, name)
        await asyncio.to_thread(users.runtime, name)
        given = await self._ask("/api/hub/access", {"name": name, "folder": str(home / workplace.LAB)})
        self._token = str(given["token"])
        self._group = await asyncio.to_thread(limits.open_, name, settings.memory, settings.processes)

    async def _ask(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Raises LabError."""
        return await asking.ask(self.settings, self.kept, path, asked)

    async def _follow(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The last line of an answer whose other lines say what is done. Raises LabError."""
        last: dict[str, Any] = {}
        async for line in asking.follow(self.settings, self.kept, path, asked):
            if "message" in line:
                raise LabError(line["message"], line["fix"])
            self._tell(str(line.get("say", "")))
            last = line
        if not last or "say" in last:
            raise LabError("The classroom broke off.", "wait a moment, then try again")
        return last

    def _tell(self, text: str) -> None:
        if text and text not in self._said[-1:]:
            self._said.append(text)
        self._news.set()
        self._news = asyncio.Event()

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the page shows while it waits."""
        told = 0
        while True:
            for text in self._said[told:]:
                told += 1
                yield {"progress": round(95 * told / (told + STEPS / 3)), "message": text}
            await self._news.wait()

    def get_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_state()
        return {**state, "at": self._at, "classroom": self._classroom()} if self._at else state

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub. A number that is another user's process by now is not ours to end; what an earlier
        classroom had started elsewhere has ended with it."""
        super().load_state(state)
        self._at = state.get("at", "") if state.get("classroom") == self._classroom() else ""
        with contextlib.suppress(KeyError, psutil.Error):
            if psutil.Process(state["pid"]).uids().real == pwd.getpwnam(self.user.name).pw_uid:
                return
        self.pid = 0

    def clear_state(self) -> None:
        super().clear_state()
        self._at = ""

    def _classroom(self) -> str:
        """Names this run of the classroom, and tells nothing of its secrets."""
        kept: Secrets = self.kept
        return hashlib.sha256(b"run\0" + kept.service.encode()).hexdigest()[:16]

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        return workplace.become(name, self._group)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        return env | workplace.places(self.user.name)

    def get_env(self) -> dict[str, str]:
        env: dict[str, str] = super().get_env()
        settings: Settings = self.settings
        there = talking.Place(settings.classroom, self._token, Path(settings.ca).read_text())
        return env | talking.variables(there)

    async def poll(self) -> int | None:
        """None while it runs; also while nobody can say so."""
        if not self._at:
            status: int | None = await super().poll()
            return status
        try:
            told = await self._ask("/api/hub/jupyter/poll", {"name": self.user.name})
        except LabError as error:
            self.log.warning("%s", error)
            return None
        if told["runs"]:
            return None
        self.clear_state()
        return 0

    async def stop(self, now: bool = False) -> None:
        """Ends the server, and what the learner has left behind beside it."""
        await self._say_idle()
        if self._at:
            try:
                await self._follow("/api/hub/jupyter/stop", {"name": self.user.name})
            except LabError as error:  # a classroom that ends does it, or a broker that is not asked after it
                self.log.warning("%s", error)
            self.clear_state()
            return
        await super().stop(now)
        await asyncio.to_thread(users.end_processes, self.user.name)
        await asyncio.to_thread(limits.close, self.user.name)

    async def _say_idle(self) -> None:
        """To the classroom's log, and to the learner at the next start, if it is stopped because nothing happened in it."""
        settings: Settings = self.settings
        last = self.orm_spawner.last_activity  # in UTC, as JupyterHub keeps all times
        idle = (datetime.now(UTC) - last.replace(tzinfo=UTC)).total_seconds() if last else 0.0
        if not settings.idle or idle < settings.idle:
            return
        name = self.user.name
        self.stopped[name] = f"JupyterLab was stopped: {config.why_stopped(idle)}. Your files are there."
        with contextlib.suppress(LabError, TimeoutError):
            told = {"name": name, "seconds": round(idle)}
            await asyncio.wait_for(asking.ask(settings, self.kept, "/api/hub/idle", told), TELLING)
