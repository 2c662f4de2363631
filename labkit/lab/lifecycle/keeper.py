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

LOOK = 30.0
"""Seconds between two looks at the clock and whether the lab is still there: a machine may sleep in between."""

MODULE = "labkit.lab.lifecycle.keeper"
"""What runs in its process."""

GUESTS = "guests.port"
"""In the state folder where guests were asked for: the port on which they are answered, 0 while none is chosen yet."""


def start(lab: Lab) -> None:
    """Starts a keeper for this lab, where it needs one, unless one runs."""
    if (lab.plan.deadline or (lab.folder / GUESTS).exists()) and not pid(lab.home):
        command = [sys.executable, "-m", MODULE, lab.engine.url]
        environment = {**os.environ, **lab.home.variables(os.environ)}
        number = processes.detach(command, lab.folder / "keeper.log", environment)
        (lab.folder / "keeper.pid").write_text(f"{number}\n")


def receive(lab: Lab) -> None:
    """Has a keeper answer guests from now on, as long as the lab is up. The port is in GUESTS once it does."""
    if not (lab.folder / GUESTS).exists():
        stop(lab.home)
        (lab.folder / GUESTS).write_text("0\n")
    start(lab)


def port(home: Home) -> int | None:
    """The port on which guests are answered; 0 where it is not chosen yet, None where no guests were asked for."""
    try:
        return int((home.state / GUESTS).read_text())
    except (OSError, ValueError):
        return None


def pid(home: Home) -> int | None:
    """The keeper's process id, if a keeper is what runs under it."""
    import psutil

    try:
        number = int((home.state / "keeper.pid").read_text())
        command = psutil.Process(number).cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return number if MODULE in command else None


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
    while True:
        with contextlib.suppress(WireError):  # the engine is being restarted: look again later
            lab = find.on(carrying, home)
            if lab is None:
                return
            if lab.expired:
                os.execv(sys.executable, [sys.executable, "-m", "labkit", "down"])
            left = lab.plan.deadline - time.time() if lab.plan.deadline else LOOK
            time.sleep(max(0.0, min(LOOK, left)))
            continue
        if not home.state.exists():
            return
        time.sleep(LOOK)


def _answer(carrying: engine.Engine, home: Home, asked: int) -> None:
    from labkit.lab.owner import service  # loads a web server, which a lab without guests has no use for

    def ready(number: int) -> None:
        partial = home.state / f"{GUESTS}.partial"
        partial.write_text(f"{number}\n")
        partial.replace(home.state / GUESTS)

    service.run(carrying, home, asked, ready)


if __name__ == "__main__":
    main()
