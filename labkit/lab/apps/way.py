"""The way from here to a service's app: one of its running tasks, reached on the node where it runs.

An owner and a guest go the same way: what they both may do is look at the Swarm and run a command on a node. So it does not
matter on which node a task runs, and whether it publishes a port.
"""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from labkit.errors import LabError, nearest
from labkit.lab import find
from labkit.lab.access import STDOUT, Session
from labkit.lab.apps import pass_on
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import ask_apps, swarm
from labkit.paths import Home
from labkit.seen.swarm import Service, Swarm, Task

SECONDS = 10.0
"""Seconds that an app may take until its answer begins."""

BEGINS, LASTS = SECONDS + 5, 600.0
"""Seconds after which an answer that has not begun, or not ended, is given up: the node itself may hang."""

FRESH = 1.0
"""Seconds for which a look at the Swarm is valid: a page is more than one request."""

LONGEST_LINE = 200
"""The most bytes of the line that pass_on.py prints first."""

LOAD = """\
import sys, types
for name, source in {modules!r}:
    above = name.split(".")[:-1]
    for at in range(len(above)):
        sys.modules.setdefault(".".join(above[: at + 1]), types.ModuleType(above[at]))
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
"""
"""Lets modules of labkit, sent as text, find each other on a node, which has no labkit."""


def program() -> str:
    """pass_on.py and what it imports from labkit, as one text that a node's Python runs."""
    needed = LOAD.format(modules=[(ask_apps.__name__, Path(ask_apps.__file__).read_text())])
    return needed + Path(pass_on.__file__).read_text()


class Way:
    """Knows the lab and its Swarm for a moment, and takes a service's tasks in turn."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._known: tuple[float, Lab, Swarm] | None = None
        self._turns = itertools.count()

    def look(self) -> tuple[Lab, Swarm]:
        """Raises LabError."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > FRESH:
                lab = find.current(self._home)
                try:
                    seen = swarm.look(lab)
                except WireError as error:
                    told = f"The workstation does not answer: {error}."
                    raise LabError(told, "labkit up   (it repairs the lab)") from error
                self._known = (time.monotonic(), lab, seen)
            return self._known[1:]

    def services(self) -> list[str]:
        """Raises LabError."""
        return sorted(self.look()[1].services)

    def ask(self, name: str, request: bytes) -> "Answer":
        """The answer of one of this service's running tasks. Raises LabError that says why there is none."""
        lab, seen = self.look()
        service = _service(seen, name)
        # Also tasks of before an update: while it goes on, or does not get on, they are what answers.
        running = [task for task in service.tasks if task.state == "running" == task.desired]
        running = [task for task in running if lab.state(task.node) == "running"]
        if not running:
            ago = f"docker service ps {service.name}   (it shows each task and its error)"
            raise LabError(f"No task of the service {service.name} is running.", ago)
        task = running[next(self._turns) % len(running)]
        wanted = json.dumps({"task": task.id, "size": len(request), "seconds": SECONDS})
        session = lab.access.session(lab, task.node, ["python3", "-I", "-S", "-c", program(), wanted])
        answer = Answer(session, service, task)
        try:
            session.write(request)
            answer.begin()
        except BaseException:
            answer.close()
            raise
        return answer


def _service(seen: Swarm, name: str) -> Service:
    """The service with that name, in any case: browsers write host names in lowercase. Raises LabError."""
    for service in seen.services.values():
        if service.name.lower() == name.lower():
            return service
    known = sorted(seen.services)
    told = nearest(name, known) if known else "it has no service yet"
    raise LabError(f"The Swarm has no service named {name} ({told}).", "docker service ls")


class Answer:
    """What a task's app says, piece by piece. `place` says which task, in words."""

    def __init__(self, session: Session, service: Service, task: Task) -> None:
        self._session, self._service = session, service.name
        self.place = f"{service.name}.{task.place} on {task.node}"
        self._first = b""
        self._limit = self._within(BEGINS)

    def begin(self) -> None:
        """Waits until the app's answer begins. Raises LabError if it does not."""
        line, _, self._first = self._begins()
        self._limit.cancel()
        self._limit = self._within(LASTS)
        if line == b"gone":
            told = f"The task {self.place} has just ended."
            raise LabError(told, f"load this page again, or: docker service ps {self._service}")
        if not line.startswith(b"answers "):
            told = f"The task {self.place} is running, but it did not answer HTTP within {SECONDS:.0f} seconds."
            raise LabError(told, f"docker service logs {self._service}")

    def _within(self, seconds: float) -> threading.Timer:
        limit = threading.Timer(seconds, self._session.close)
        limit.daemon = True
        limit.start()
        return limit

    def _read(self) -> tuple[int, bytes]:
        """No bytes at the end, or when the time limit is reached."""
        try:
            return self._session.read()
        except (OSError, ValueError):
            return STDOUT, b""

    def _begins(self) -> tuple[bytes, bytes, bytes]:
        data, errors = b"", b""
        while b"\n" not in data and len(data) < LONGEST_LINE:
            kind, part = self._read()
            if not part:
                said = errors.decode(errors="replace").strip().rpartition("\n")[2]
                told = f"{self.place} could not be asked: {said or 'the node said nothing'}."
                raise LabError(told, "labkit up   (it repairs the lab)")
            if kind == STDOUT:
                data += part
            else:
                errors = (errors + part)[-LONGEST_LINE:]
        return data.partition(b"\n")

    def pieces(self) -> Iterator[bytes]:
        """Everything that the app sends, from the first line of HTTP on."""
        if self._first:
            yield self._first
        while True:
            kind, part = self._read()
            if not part:
                return
            if kind == STDOUT:
                yield part

    def close(self) -> None:
        """Closes it; what still runs on the node ends."""
        self._limit.cancel()
        self._session.close()
