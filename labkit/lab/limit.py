"""A lab's time limit beyond its labels, which cannot be changed: a new one for a lab that is up, and that its time has ended.

Two files in the state folder. The first belongs to the start of a lab that it names; both go with `down` and the next start."""

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from labkit.lab.plan import Plan
from labkit.paths import ENDED, Home
from labkit.text import dumps
from labkit.work import keeping

if TYPE_CHECKING:
    from labkit.lab.lab import Lab

FILE = "time-limit.json"
"""{"start": the lab's, "deadline": Unix time}"""

LAST = 2**33
"""No lab ends later: in the year 2242."""


def change(lab: "Lab", deadline: float) -> "Lab":
    """Gives a running lab another time limit. Returns the lab with it. Raises keeping.Unwritable."""
    with keeping.writing("The new time limit", f"make room in {lab.folder}, then try again"):
        lab.folder.mkdir(parents=True, exist_ok=True)
        keeping.write_whole(lab.folder / FILE, dumps({"start": lab.plan.start, "deadline": round(deadline)}) + "\n")
    return replace(lab, plan=replace(lab.plan, deadline=deadline))


def applied(home: Home, plan: Plan) -> Plan:
    """The plan from a lab's labels, with the time limit that it was given since."""
    start, deadline = keeping.load(home.state / FILE, _changed, ("", 0.0))
    return replace(plan, deadline=deadline) if deadline and start == plan.start else plan


def _changed(content: bytes) -> tuple[str, float]:
    data = json.loads(content)
    return str(data["start"]), _moment(data["deadline"])


def _moment(said: object) -> float:
    """Raises one of keeping.ODD if this is not a lab's time."""
    moment = float(int(said))  # type: ignore[call-overload]
    if not 0 < moment < LAST:
        raise ValueError(moment)
    return moment


def note_end(home: Home, deadline: float) -> None:
    """Records that the lab's time ended, for anyone who then finds no lab. Raises OSError."""
    home.state.mkdir(parents=True, exist_ok=True)
    keeping.write_whole(home.state / ENDED, f"{deadline:.0f}\n")


def ended(home: Home) -> float:
    """When the time of this home's last lab ended; 0 if something else ended it, or nothing did."""
    return keeping.load(home.state / ENDED, _moment, 0.0)


def told(moment: float) -> str:
    """The same in words."""
    return f"The lab's time ended at {datetime.fromtimestamp(moment).astimezone():%H:%M on %d %B}."
