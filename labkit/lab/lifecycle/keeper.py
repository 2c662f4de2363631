"""Ends a lab at its time limit, and answers its guests where there are any. A process of its own, started by `up` and
`invite`; `down` ends it with the lab."""

import contextlib
import os
import sys
import threading
import time

from labkit import paths
from labkit.lab import find
from labkit.lab.engine import engines as engine
from labkit.lab.engine import processes
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.paths import Home
from labkit.work import keeping

LOOK = 30.0
"""Seconds between two looks at the clock and whether the lab is still there: a machine may sleep in between."""

MODULE = "labkit.lab.lifecycle.keeper"
"""What runs in its process."""

FILE = "keeper.pid"
"""In the state folder: the keeper's process id."""

GUESTS = "guests.port"
"""In the state folder where guests were asked for: the port on which they are answered, 0 while none is chosen yet."""


def start(lab: Lab) -> None:
    """Starts a keeper for this lab, where it needs one, unless one runs."""
    if (lab.plan.deadline or port(lab.home) is not None) and not pid(lab.home):
        command = [sys.executable, "-m", MODULE, lab.engine.url]
        # The owner is said: what names it (the host's name) may change before the lab's time is over.
        environment = {**os.environ, **lab.home.variables(os.environ), "LABKIT_OWNER": lab.home.owner}
        number = processes.detach(command, lab.folder / "keeper.log", environment)
        fix = f"make room in {lab.folder}, then labkit up"
        with keeping.writing("The keeper's number", fix):
            keeping.write_whole(lab.folder / FILE, f"{number}\n", lasting=False)


def receive(lab: Lab) -> None:
    """Has a keeper answer guests from now on, as long as the lab is up. The port is in GUESTS once it does."""
    if not port(lab.home):  # 0 is also what is left of a number that was lost
        stop(lab.home)
        keeping.write_whole(lab.folder / GUESTS, "0\n")
    start(lab)


def port(home: Home) -> int | None:
    """The port on which guests are answered; 0 where it is not chosen yet, None where no guests were asked for. That they were
    is known also where the file is damaged."""
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
    """The keeper's process id, if a keeper is what runs under it. Where the file that says so is damaged, the keeper is looked
    for."""
    file = home.state / FILE
    number = keeping.load(file, processes.number, 0)
    if not number and any(home.state.glob(f"{FILE}.damaged-*")):
        number = next(iter(_lost(home)), 0)
        with contextlib.suppress(OSError):
            keeping.write_whole(file, f"{number}\n", lasting=False)
    return number if number and MODULE in processes.command(number) else None


def stop(home: Home) -> None:
    """Ends the keeper and waits until it is gone: also one whose file somebody removed with the state folder."""
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
    """The start of the lab that it keeps."""
    while True:
        with contextlib.suppress(WireError):  # the engine is being restarted: look again later
            try:
                lab = find.on(carrying, home)
            except find.Foreign:
                return
            if lab is None or lab.plan.start != (mine := mine or lab.plan.start):
                return  # another one has a keeper of its own
            if lab.expired:
                os.execv(sys.executable, [sys.executable, "-m", "labkit", "down", "--start", lab.plan.start])
            left = lab.plan.deadline - time.time() if lab.plan.deadline else LOOK
            time.sleep(max(0.0, min(LOOK, left)))
            continue
        if not home.used:
            return
        time.sleep(LOOK)


def _answer(carrying: engine.Engine, home: Home, asked: int) -> None:
    from labkit.lab.owner import service  # loads a web server, which a lab without guests has no use for

    def ready(number: int) -> None:
        keeping.write_whole(home.state / GUESTS, f"{number}\n")

    service.run(carrying, home, asked, ready)


if __name__ == "__main__":
    main()
