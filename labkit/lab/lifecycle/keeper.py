"""Ends a lab at its time limit. A process of its own, started by `up --detach`; `down` ends it with the lab."""

import contextlib
import os
import sys
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


def start(lab: Lab) -> None:
    """Starts a keeper for this lab unless one runs."""
    if lab.plan.deadline and not pid(lab.home):
        command = [sys.executable, "-m", "labkit.lab.lifecycle.keeper", lab.engine.url]
        number = processes.detach(command, env={**os.environ, **lab.home.variables(os.environ)})
        (lab.folder / "keeper.pid").write_text(f"{number}\n")


def pid(home: Home) -> int | None:
    """The keeper's process id, if a keeper is what runs under it."""
    import psutil

    try:
        number = int((home.state / "keeper.pid").read_text())
        command = psutil.Process(number).cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return number if "labkit.lab.lifecycle.keeper" in command else None


def stop(home: Home) -> None:
    """Ends the keeper and waits until it is gone."""
    if number := pid(home):
        processes.end(number)


def main() -> None:
    url, home = sys.argv[1], paths.home()
    while True:
        with contextlib.suppress(WireError):  # the engine is being restarted: look again later
            lab = find.on(engine.Engine(url, own=url == engine.own_url(home)), home)
            if lab is None:
                return
            if lab.expired:
                os.execv(sys.executable, [sys.executable, "-m", "labkit", "down"])
            time.sleep(max(0.0, min(LOOK, lab.plan.deadline - time.time())))
            continue
        if not home.state.exists():
            return
        time.sleep(LOOK)


if __name__ == "__main__":
    main()
