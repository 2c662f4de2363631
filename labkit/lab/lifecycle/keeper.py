"""Ends a lab at its time limit, and answers its guests where there are any. A process of its own, started by `up` and
`invite`; `down` ends it with the lab. JupyterLab goes on, so that it can say what ended."""

import contextlib
import os
import sys
import threading
import time

from labkit import paths
from labkit.errors import LabError
from labkit.lab import find, limit
from labkit.lab.engine import engines as engine
from labkit.lab.engine import processes
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.paths import Home
from labkit.work import keeping

LOOK = 30.0
"""Seconds between two looks at the clock and whether the lab is still there: a machine may sleep in between."""

MODULE = "labkit.lab.lifecycle.keeper"
"""The module that runs in its process."""

FILE = "keeper.pid"
"""In the state folder: the keeper's process id."""

GUESTS = "guests.port"
"""In the state folder, if guests were invited: the port where they get answers; 0 until one is chosen."""


def start(lab: Lab) -> None:
    """Starts a keeper for this lab if it needs one and none runs."""
    if (lab.plan.deadline or port(lab.home) is not None) and not pid(lab.home):
        command = [sys.executable, "-m", MODULE, lab.engine.url]
        # The owner is said: what names it (the host's name) may change before the lab's time is over.
        environment = {**os.environ, **lab.home.variables(os.environ), "LABKIT_OWNER": lab.home.owner}
        number = processes.detach(command, lab.folder / "keeper.log", environment)
        fix = f"free some space for {lab.folder}, then labkit up"
        with keeping.writing("The keeper's number", fix):
            keeping.write_whole(lab.folder / FILE, f"{number}\n", lasting=False)


def receive(lab: Lab) -> None:
    """Makes a keeper answer guests from now on, as long as the lab is up. The port is in GUESTS once it does."""
    if not port(lab.home):  # 0 is also what is left of a number that was lost
        stop(lab.home)
        keeping.write_whole(lab.folder / GUESTS, "0\n")
    start(lab)


def port(home: Home) -> int | None:
    """The port where guests get answers; 0 if it is not chosen yet, None if no guests were invited. Even if the file is
    damaged, it shows that guests were invited."""
    file = home.state / GUESTS
    if (number := keeping.load(file, _port, -1)) >= 0:
        return number
    if not any(home.state.glob(f"{GUESTS}.damaged-*")):
        return None
    with contextlib.suppress(OSError):
        keeping.write_whole(file, "0\n")
    return 0


def _port(content: bytes) -> int:
    number = int(content)
    if not 0 <= number < 65536:
        raise ValueError
    return number


def pid(home: Home) -> int | None:
    """The keeper's process id, if that process is a keeper. If the file with it is damaged, the keeper is searched for."""
    file = home.state / FILE
    number = keeping.load(file, processes.number, 0)
    if not number and any(home.state.glob(f"{FILE}.damaged-*")):
        number = next(iter(_lost(home)), 0)
        with contextlib.suppress(OSError):
            keeping.write_whole(file, f"{number}\n", lasting=False)
    return number if number and MODULE in processes.command(number) else None


def stop(home: Home) -> None:
    """Ends the keeper and waits until it is gone, even if somebody removed its file with the state folder."""
    known = pid(home)
    for number in [known] if known else _lost(home):
        processes.end(number)


def _lost(home: Home) -> list[int]:
    """Keepers of this lab, found among all processes."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if MODULE in process.cmdline():
                theirs = Home.of(process.environ())
                found += [process.pid] if (theirs.name, theirs.state) == (home.name, home.state) else []
    return found


def main() -> None:
    home = paths.home()
    carrying = engine.Engine(sys.argv[1], own=sys.argv[1] == engine.own_url(home))
    asked = port(home)
    if asked is not None:
        answering = threading.Thread(target=_answer, args=(carrying, home, asked), name="labkit-guests", daemon=True)
        answering.start()
    mine = ""
    """The start of the lab that it watches."""
    while True:
        with contextlib.suppress(WireError):  # the engine is being restarted: look again later
            try:
                lab = find.on(carrying, home)
            except find.Foreign:
                return
            if lab is None or lab.plan.start != (mine := mine or lab.plan.start):
                return  # another one has a keeper of its own
            if lab.expired and _end(carrying, home, mine):
                return
            left = lab.plan.deadline - time.time() if lab.plan.deadline else LOOK
            time.sleep(max(0.0, min(LOOK, left)))
            continue
        if not home.used:
            return
        time.sleep(LOOK)


def _end(carrying: engine.Engine, home: Home, start: str) -> bool:
    """Ends the lab of that start, unless it was given more time meanwhile. Returns whether there is nothing left to watch."""
    from labkit.lab.lifecycle import provision, remove  # they start and end keepers

    try:
        with provision.lock(home, _print):
            lab = find.on(carrying, home)
            if lab and lab.plan.start == start and not lab.expired:
                return False
            if remove.locked(home, _print, start=start) and lab:
                limit.note_end(home, lab.plan.deadline)
    except (LabError, OSError) as error:  # `up` and `down` tell of the lab that is left, and clear it
        _print(f"✗ {error}")
    return True


def _print(text: str) -> None:
    """Writes to its log."""
    print(text, flush=True)


def _answer(carrying: engine.Engine, home: Home, asked: int) -> None:
    from labkit.lab.owner import service  # loads a web server, which a lab without guests has no use for

    def ready(number: int) -> None:
        keeping.write_whole(home.state / GUESTS, f"{number}\n")

    service.run(carrying, home, asked, ready)


if __name__ == "__main__":
    main()
