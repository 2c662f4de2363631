"""What a learner's JupyterLab and their classroom say to each other: messages and hints of the instructor, and the raised hand.
In a folder that has joined a classroom, and in a JupyterLab that a classroom has started."""

import contextlib
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from labkit import reaching
from labkit.errors import LabError
from labkit.paths import Home
from labkit.reporting import JOINED
from labkit.view.render import Help, Said
from labkit.work import keeping

VARIABLE = "LABKIT_CLASSROOM_HELP"
"""A Place as JSON, in the environment of a JupyterLab that a classroom's JupyterHub has started."""

READ = f"{keeping.FOLDER}/read"
"""In the learner's folder: the number of the newest message that they have put away."""

SILENCE = 45.0
"""Seconds without a line, not even an empty one (QUIET in classroom/app/live.py), that mean the connection is lost."""

AGAIN, SELDOM = 2.0, 60.0
"""Seconds before a lost connection is tried again: at first, and at most."""

LOOKS = 5.0
"""Seconds between two looks whether a folder has joined a classroom."""


class Place(msgspec.Struct, frozen=True):
    """Which classroom, and what it knows this JupyterLab by."""

    address: str
    token: str
    ca: str


def place(home: Home) -> Place | None:
    """None where there is no classroom."""
    try:
        content = os.environ.get(VARIABLE, "").encode() or (home.work / JOINED).read_bytes()
        return msgspec.json.decode(content, type=Place)
    except (OSError, msgspec.MsgspecError):
        return None


def variables(there: Place) -> dict[str, str]:
    """The environment that tells a JupyterLab so."""
    return {VARIABLE: msgspec.json.encode(there).decode()}


def say(there: Place, up: bool, said: str = "") -> None:
    """Raises or lowers the learner's hand. Raises LabError."""
    asked = {"up": up, "said": said}
    status, told = reaching.ask(there.address, there.ca, "POST", "/api/hand", asked, there.token)
    if status != 200:
        raise _refused(status, told)


def _refused(status: int, told: dict[str, Any]) -> LabError:
    return LabError(str(told.get("message", f"The classroom answered {status}.")), str(told.get("fix", "")))


def read(home: Home) -> int:
    """The newest message that the learner has put away, 0 for none."""
    try:
        return int((home.work / READ).read_text())
    except (OSError, ValueError):
        return 0


def put_away(home: Home, number: int) -> None:
    """Raises Unwritable."""
    with keeping.writing("Which messages you have read", f"check the permissions of {home.work}"):
        (home.work / READ).parent.mkdir(parents=True, exist_ok=True)
        keeping.write_whole(home.work / READ, str(number), lasting=False)


class Line:
    """Hears what the classroom says while somebody looks at a page, in a thread of its own. `heard` is called with each Help
    that differs from the one before."""

    def __init__(self, home: Home, heard: Callable[[Help], None]) -> None:
        self._home, self._heard = home, heard
        self._ended = threading.Event()
        self._last = Help()
        self._made: http.client.HTTPSConnection | None = None
        self._thread = threading.Thread(target=self._listen, name="labkit-classroom", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Returns at once; nothing is heard any more."""
        self._ended.set()
        made = self._made
        if made is not None and made.sock is not None:
            with contextlib.suppress(OSError):
                made.sock.shutdown(socket.SHUT_RDWR)  # wakes who reads from it

    def _listen(self) -> None:
        pause = AGAIN
        while not self._ended.is_set():
            there = place(self._home)
            if there is None:
                self._ended.wait(LOOKS)
                continue
            heard, why = self._follow(there)
            pause = AGAIN if heard else min(2 * pause, SELDOM)
            if not heard or why != ENDED:  # one that is cut once is made again before anybody is told
                self._tell(replace(self._last, there=True, away=why))
            self._ended.wait(pause)

    def _follow(self, there: Place) -> tuple[bool, str]:
        """Hears until the connection ends: whether anything was heard, and why it ended."""
        heard = False
        try:
            with reaching.connection(there.address, reaching.trusting(there.ca), SILENCE) as made:
                self._made = made
                made.request("GET", "/api/help", headers=reaching.headers(there.token))
                answer = made.getresponse()
                if answer.status != 200:
                    refusal = _refused(answer.status, reaching.told(answer.read(100_000)))
                    return False, f"{refusal.what} {refusal.fix}".strip()
                for line in answer:
                    if self._ended.is_set():
                        break
                    if line.startswith(b"data: "):
                        self._tell(_help(json.loads(json.loads(line[6:]))))
                        heard = True
                return heard, ENDED
        except LabError as error:
            return heard, error.what
        except keeping.ODD as error:
            return heard, f"The classroom said something that this labkit cannot read: {error}."
        finally:
            self._made = None

    def _tell(self, now: Help) -> None:
        if now != self._last and not self._ended.is_set():
            self._last = now
            self._heard(now)


ENDED = "The classroom has ended the connection."


def _help(told: dict[str, Any]) -> Help:
    """Raises one of keeping.ODD."""
    return Help(
        there=True,
        page=str(told["page"]),
        taught=tuple(map(str, told["exercises"])),
        hand=_clock(told["hand"]) if told["hand"] else "",
        said=str(told["said"]),
        messages=tuple(
            Said(int(one["number"]), _clock(one["time"]), str(one["by"]), str(one["text"]), bool(one["all"]))
            for one in told["messages"]
        ),
        asked=tuple(map(str, told["asked"])),
        sees=tuple((str(who), bool(types)) for who, types in told["sees"]),
    )


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M}"
