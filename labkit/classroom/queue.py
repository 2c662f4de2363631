"""A laptop's side: joins a classroom, and keeps what is to be sent until it has been taken. Needs nothing beyond labkit.

In the learner's folder: `.labkit/classroom/joined.json` (0600), and in `.labkit/classroom/queue/` a file for each observation,
in order. A file goes only when the classroom has said that it has what is in it; what the classroom refuses is put into
`refused/`. The classroom counts the same observation once: so nothing is lost, and nothing counts twice.
"""

import fcntl
import hashlib
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from labkit import reaching
from labkit.errors import LabError
from labkit.work import keeping

PLACE = f"{keeping.FOLDER}/classroom"
FINGERPRINT = 32
"""Letters of the authority's fingerprint that a code carries: 128 bits."""

REFUSED = (400, 403, 409, 413)
"""Statuses that no second try changes."""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """Which classroom, and what it is told to know this machine."""

    address: str
    token: str
    ca: str
    learner: str
    workshop: str
    person: dict[str, str] = {}
    """The learner's personal values in this workshop."""
    before: str = ""
    """The token that this one follows, until the classroom has heard so."""


@dataclass(frozen=True)
class Sent:
    """What became of the queue."""

    sent: int = 0
    again: int = 0
    """Had been taken before."""
    refused: tuple[str, ...] = ()
    """Why, for each."""
    left: int = 0
    """Still in the queue."""
    away: str = ""
    """Why the classroom could not be reached, "" if it could."""


def _now() -> datetime:
    return datetime.now(UTC)


ask = reaching.ask

BOOT = Path("/proc/sys/kernel/random/boot_id")


def _steady() -> dict[str, Any] | None:
    """What the clock shows, and how long this machine has been on: nobody sets that. None where the system does not tell."""
    try:
        return {
            "clock": _now().isoformat(),
            "on": time.clock_gettime(time.CLOCK_BOOTTIME),
            "boot": BOOT.read_text().strip(),
        }
    except (AttributeError, OSError):
        return None


def _unset(put: dict[str, Any] | None) -> datetime | None:
    """What the clock would show now if nobody had set it since then. An observation has the time of a clock that may have been
    wrong, and been set right while the laptop was offline. None where it cannot be known."""
    now = _steady()
    if not put or not now or put["boot"] != now["boot"]:
        return None
    return datetime.fromisoformat(put["clock"]) + timedelta(seconds=now["on"] - put["on"])


def join(work: Path, address: str, code: str) -> Joined:
    """Joins with a code from the learner's page. Raises LabError."""
    token, fingerprint = read_code(code, "make one on your page of the classroom, and paste all of it")
    ca = authority(address, fingerprint)
    status, told = ask(address, ca, "POST", "/api/join", {"code": token})
    if status != 200:
        raise refusal(told, "The classroom did not let this machine join.")
    joined = Joined(
        address=address,
        token=told["token"],
        ca=ca,
        learner=told["learner"],
        workshop=told["workshop"],
        person=told["person"],
    )
    with keeping.writing("The classroom's key for this machine", f"check the permissions of {work}"):
        keep(work, joined)
        keeping.write_whole(values(work), msgspec.json.encode(joined.person), mode=0o600)
    return joined


def read_code(code: str, fix: str) -> tuple[str, str]:
    """The secret of a code, and the fingerprint of the authority that it is for. Raises LabError with this `fix`."""
    token, _, fingerprint = code.strip().partition(".")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", token) or not re.fullmatch(rf"[0-9a-f]{{{FINGERPRINT}}}", fingerprint):
        raise LabError("This is not a code for a machine.", fix)
    return token, fingerprint


def keep(work: Path, joined: Joined) -> None:
    """Lets this folder report to that classroom from now on. Raises OSError."""
    file = work / PLACE / "joined.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    keeping.write_whole(file, msgspec.json.encode(joined), mode=0o600)


def values(work: Path) -> Path:
    """The file with the learner's values in this workshop: for `labkit up --values`."""
    return work / PLACE / "values.json"


def joined(work: Path) -> Joined:
    """Raises LabError where this folder has joined no classroom."""
    file = work / PLACE / "joined.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=Joined)
    except (OSError, msgspec.MsgspecError) as error:
        raise LabError("This folder has joined no classroom.", "labkit classroom join ADDRESS") from error


def put(work: Path, observation: str, exercises: tuple[str, ...] = (), learner: str = "") -> bool:
    """Puts an observation into the queue, on the disk. Only a broker says whose it is. Returns False if it is the last one
    there already. Raises LabError."""
    name = hashlib.sha256(observation.encode(errors="surrogatepass")).hexdigest()[:16]
    with keeping.lock(work):
        waiting = _waiting(work)
        if waiting and waiting[-1].stem.endswith(name):
            return False
        number = int(waiting[-1].name[:8]) + 1 if waiting else _last(work) + 1
        file = work / PLACE / "queue" / f"{number:08d}-{name}.json"
        kept = {"observation": observation, "exercises": list(exercises), "put": _steady()}
        kept |= {"learner": learner} if learner else {}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            keeping.write_whole(file, json.dumps(kept), mode=0o600)
            keeping.write_whole(work / PLACE / "last", str(number))
        except OSError as error:
            raise keeping.unkept(file, error) from error
    return True


def send(work: Path, clock: Callable[[], datetime] = _now) -> Sent:
    """Sends what is in the queue, the oldest first, until it is empty or the classroom does not answer. Raises LabError where
    the classroom does not know this machine any more; the queue stays."""
    place = joined(work)
    sent = again = 0
    refused: list[str] = []
    for file in _waiting(work):
        try:
            kept = json.loads(file.read_bytes())
        except FileNotFoundError:
            continue  # another process has sent it
        except keeping.ODD:
            keeping.set_aside(file, "it cannot be read")
            continue
        put = kept.pop("put", None)
        now = ((_unset(put) if clock is _now else None) or clock()).isoformat()
        try:
            status, told = ask(place.address, place.ca, "POST", "/api/results", {**kept, "sent": now}, place.token)
        except LabError as error:
            return Sent(sent, again, tuple(refused), len(_waiting(work)), error.what)
        if status == 200:
            file.unlink(missing_ok=True)
            sent, again = sent + (not told["again"]), again + bool(told["again"])
        elif status == 401:
            raise refusal(told, "The classroom does not know this machine.")
        elif status in REFUSED:
            refused.append(str(told.get("message", status)))
            kept_at = work / PLACE / "refused" / file.name
            kept_at.parent.mkdir(parents=True, exist_ok=True)
            file.replace(kept_at)
        else:
            why = str(told.get("message", f"the classroom answered {status}"))
            return Sent(sent, again, tuple(refused), len(_waiting(work)), why)
    return Sent(sent, again, tuple(refused), len(_waiting(work)))


def alone(work: Path) -> AbstractContextManager[bool]:
    """Whether no other process of this folder is sending until all is sent; while the block runs, this one is."""
    return _alone(work / PLACE / "sending")


@contextmanager
def _alone(file: Path) -> Iterator[bool]:
    with file.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _waiting(work: Path) -> list[Path]:
    return sorted((work / PLACE / "queue").glob("[0-9]*.json"))


def _last(work: Path) -> int:
    try:
        return int((work / PLACE / "last").read_text())
    except (OSError, ValueError):
        return 0


def refusal(told: dict[str, Any], otherwise: str) -> LabError:
    """What the classroom said, as an error."""
    return LabError(str(told.get("message", otherwise)), str(told.get("fix", "")))


# ── HTTPS ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def authority(address: str, fingerprint: str) -> str:
    """The classroom's authority, taken only if it is the one that the code names: until then nothing is said to anybody."""
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    with reaching.connection(address, blind) as asked:
        asked.request("GET", "/ca.pem")
        text = asked.getresponse().read(100_000).decode(errors="replace")
    try:
        found = fingerprint_of(text)
    except ValueError as error:
        raise LabError(f"There is no classroom at {address}.", "compare the address with your instructor's") from error
    if found != fingerprint:
        raise LabError(
            f"{address} is not the classroom that your code is for: its certificate is another one.",
            "compare the address with your instructor's, and do not go on if it is right",
        )
    return text


def fingerprint_of(certificate: str) -> str:
    """The fingerprint of a certificate in PEM, as a code carries it. Raises ValueError."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()[:FINGERPRINT]
