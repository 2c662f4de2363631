"""An owner's lab made up, whose service answers in this process, and the same lab as its guest finds it. No Docker."""

import json
import queue
import threading
from dataclasses import dataclass, field
from typing import Any

from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.access import STDERR, STDOUT
from labkit.lab.engine import engines
from labkit.lab.engine.wire import WireError
from labkit.lab.guest import asking
from labkit.lab.owner import service
from labkit.paths import Home
from labkit.seen.claims import NOTHING
from labkit.seen.observation import About, Observation


class Echo:
    """A command that prints what is typed, until it is interrupted or its input ends."""

    def __init__(self, command: Any, terminal: Any) -> None:
        self.printed: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self.closed = threading.Event()
        self.code = 0
        self.printed.put((STDERR, json.dumps([command, terminal and [terminal.rows, terminal.columns]]).encode()))

    def read(self):
        return self.printed.get()

    def write(self, data):
        self.printed.put((STDOUT, data))

    def end_input(self):
        self.printed.put((STDOUT, b""))

    def resize(self, rows, columns):
        self.printed.put((STDOUT, b"%d %d" % (rows, columns)))

    def signal(self, name):
        self.code = 130
        self.printed.put((STDOUT, b""))

    def status(self):
        return self.code

    def close(self):
        self.closed.set()
        self.printed.put((STDOUT, b""))


@dataclass(frozen=True)
class Made:
    """An owner's access, made up. What is asked of it is kept."""

    asked: list[Any] = field(default_factory=list)
    sessions: list[Echo] = field(default_factory=list)

    def person(self, plan):
        return plan.person

    def observe(self, lab, sections, said=NOTHING):
        self.asked.append(list(sections))
        about = About(name=lab.name, person=lab.person)
        seen = Observation(labkit="1", content="c", lab=about, taken="now", sign_ins={"worker1": {}})
        return seen.claiming(said)

    def desk(self, lab, method, path, body=None):
        self.asked.append((method, path, body))
        if body and body.get("pulls", 0) > 9:
            raise WireError("the limit is 9 at most", 400)
        return {"told": path}

    def reset(self, lab, slugs, say):
        self.asked.append(slugs)
        say("clearing")
        if slugs == ["05-deploy"]:
            raise LabError("The node is stuck.", "labkit up")
        return lab

    def trial(self, lab, slug, say, only=()):
        self.asked.append((slug, tuple(only)))
        say("trying your pipeline")
        if only == ("rotten",):
            raise LabError("The step did not answer.", "again")
        return only != ("later",)

    def session(self, lab, machine, command, terminal=None):
        lab.running(machine)
        self.sessions.append(Echo(command, terminal))
        return self.sessions[-1]


def guest_of(owner, tmp_path, monkeypatch):
    """The owner's lab as a guest finds it, whose service answers in this process."""
    monkeypatch.setattr(find, "on", lambda engine, home: owner)
    port: queue.Queue[int] = queue.Queue()
    run = (engines.Engine("unix:///x"), owner.home, 0, port.put)
    threading.Thread(target=service.run, args=run, daemon=True).start()
    folder = tmp_path / "guest"
    keys = folder / "pki" / "client"
    keys.mkdir(parents=True)
    for file in contexts.KEYS:
        (keys / file).write_bytes((owner.folder / "pki" / "guest" / file).read_bytes())
    address = f"https://127.0.0.1:{port.get(timeout=10)}"
    (folder / asking.FILE).write_text(json.dumps({"owner": address, "lab": owner.name}))
    home = Home.of({"HOME": str(tmp_path / "home"), "LABKIT_GUEST": str(folder)})
    guest = find.any_engine(home)
    assert guest is not None
    return guest
