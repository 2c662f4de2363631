"""Starts a learner's JupyterLab: as a system user of their own, when the classroom has started their lab."""

import asyncio
import contextlib
import pwd
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Any as Whatever

from labkit.classroom.hub import asking, limits, users
from labkit.classroom.hub.config import Settings
from labkit.errors import LabError

LAB = "lab"
"""In a learner's home: a guest's access to their lab (LABKIT_GUEST)."""
WORK = "registry-lab"
"""In a learner's home: their notebooks and files."""

STEPS = 30
"""So many steps fill most of the bar on JupyterHub's page."""


class LabSpawner(LocalProcessSpawner):  # type: ignore[misc]
    settings = Whatever(help="a Settings").tag(config=True)
    kept = Whatever(help="a Secrets").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._said: list[str] = []
        self._news = asyncio.Event()
        self._group: limits.Group | None = None

    async def start(self) -> tuple[str, int]:
        """Raises what JupyterHub shows to the learner: what is wrong and what helps."""
        self._said = []
        try:
            await self._prepare()
        except LabError as error:
            shown = RuntimeError(str(error))
            shown.jupyterhub_message = f"{error.what} {error.fix}".strip()  # type: ignore[attr-defined]
            raise shown from error
        settings: Settings = self.settings
        self._group = await asyncio.to_thread(limits.open_, self.user.name, settings.memory, settings.processes)
        self._tell("starting JupyterLab")
        place: tuple[str, int] = await super().start()
        return place

    async def _prepare(self) -> None:
        """The system user, the lab, and the access to it in the user's home."""
        settings: Settings = self.settings
        name = self.user.name
        asked = {"name": name, "folder": str(Path(settings.homes) / name / LAB)}
        # First whether they may have one: only then a user is made for them.
        await asking.ask(settings, self.kept, "/api/hub/may", {"name": name})
        self._tell("making your place on this machine")
        await asyncio.to_thread(users.ensure, name, settings.realm, Path(settings.homes))
        async for line in asking.follow(settings, self.kept, "/api/hub/lab", asked):
            if "message" in line:
                raise LabError(line["message"], line["fix"])
            self._tell(str(line.get("say", "")))

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

    def load_state(self, state: dict[str, Any]) -> None:
        """After a restart of the hub. A number that is another user's process by now is not ours to end."""
        super().load_state(state)
        with contextlib.suppress(KeyError, psutil.Error):
            if psutil.Process(state["pid"]).uids().real == pwd.getpwnam(self.user.name).pw_uid:
                return
        self.pid = 0

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        become: Callable[[], None] = super().make_preexec_fn(name)
        enter = self._group.enter() if self._group else (lambda: None)

        def child() -> None:
            enter()
            become()

        return child

    def get_env(self) -> dict[str, str]:
        env: dict[str, str] = super().get_env()
        home = Path(env["HOME"])
        return {**env, "LABKIT_GUEST": str(home / LAB), "LABKIT_WORK": str(home / WORK)}

    async def stop(self, now: bool = False) -> None:
        """Ends the server, and what the learner has left behind beside it."""
        await super().stop(now)
        await asyncio.to_thread(users.end_processes, self.user.name)
        await asyncio.to_thread(limits.close, self.user.name)
