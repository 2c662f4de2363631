"""Tries a learner's deploy.sh: runs it with images of the grader's, and keeps what the Swarm held after each.

It looks and does not judge; the exercise's checks do that, from what is kept (docs/decisions/0031-secure.md).
"""

import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec

from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.lab.engine import execute
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import observe
from labkit.lab.plan import TOOLS
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.secured import KINDS, Deployed, DeployTrial, Secured

PROGRAM = ["python3", "-I", "/lab/tools/tools.py"]
SERVICE = "shop"

PATIENCE = 120.0
"""Seconds that one of the program's steps may take: deploy.sh at its limit, and some to spare."""

SETTLING = 20.0
"""Seconds that the Swarm may take after a deployment to come to rest."""

LONGEST = 64 * 1024
"""Bytes that a step may tell."""

AGAIN = "labkit check 08-secure   (again)"

TELLS = {
    "unsigned": "trying your deploy.sh: an image that nobody has signed",
    "other-key": "trying your deploy.sh: an image that another key has signed",
    "signed": "trying your deploy.sh: the image that you signed",
    "moved": "trying your deploy.sh: a tag that is moved after it was verified",
}


def play(lab: Lab, exercise: Exercise, say: Say, only: Collection[str] = ()) -> bool:
    """Plays a trial on the lab; the service has the signed image afterwards, if deploy.sh is any good. With `only`, of the
    others only these kinds are played. Returns whether there was anything to try: a signed image, and a deploy.sh.
    Raises LabError."""
    if TOOLS not in lab.plan.extras:
        return False
    seen = observe(lab, ["secured"]).secured
    found = signed(seen, lab.person.version) if seen else None
    if not (seen and seen.script and found):
        return False
    repository, digest = found
    runs = []
    last, others = _services(lab)
    try:
        for kind in KINDS:
            if only and kind not in (*only, "signed"):
                continue
            say(TELLS[kind])
            told = _tell(lab, "play", kind, repository, digest)
            now, others = _services(lab)
            names = {"good": told.pop("digest"), "before": last, "service": now, "services": others}
            runs.append(msgspec.convert({**told, **names}, Deployed))
            last = now
    finally:
        _tell(lab, "tidy", repository)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    trial = DeployTrial(script=seen.script, digest=digest, taken=taken, runs=tuple(runs))
    _tell(lab, "keep", msgspec.json.encode(trial).decode())
    return True


def signed(seen: Secured, version: str) -> tuple[str, str] | None:
    """(repository, digest) of the shop's release under this tag that the learner's key has signed; of several the one that
    the checks look at (content/facts/securing.py: released)."""
    found = [
        (not built.leaks, repository, built.digest)
        for repository, held in seen.images.items()
        for tag, built in held.tags.items()
        if tag == version and built.signed == "good"
    ]
    return max(found)[1:] if found else None


def _services(lab: Lab) -> tuple[str, tuple[str, ...]]:
    """The image of the service shop, or "", and every other service, once the Swarm is at rest."""
    until = time.monotonic() + SETTLING
    while True:
        seen = SeenLab(observe(lab, ["swarm"]))
        if not seen.moving or time.monotonic() > until:
            break
        time.sleep(0.1)
    try:
        services = seen.swarm.services
    except Unobserved as error:
        raise LabError(f"Your deploy.sh could not be tried: {error}", AGAIN) from error
    shop = services.get(SERVICE)
    others = tuple(f"{one.name} {one.image}" for one in sorted(services.values(), key=lambda one: one.name))
    return (shop.image if shop else ""), tuple(one for one in others if not one.startswith(f"{SERVICE} "))


def _tell(lab: Lab, *words: str) -> Any:
    """What the program tells. Raises LabError."""
    try:
        return execute.told(lab.engine, lab.running(TOOLS).id, [*PROGRAM, *words], LONGEST, PATIENCE)
    except (WireError, ValueError) as error:
        told = (
            f"Your deploy.sh could not be tried: the step “{words[0]}” on the machine {TOOLS} did not answer ({error})."
        )
        raise LabError(told, AGAIN) from error
