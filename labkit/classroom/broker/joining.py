"""How a broker on another machine and a classroom come to know each other: by a pass that is used once.

The classroom makes the pass (`invite`): it names the broker to the classroom, and the classroom's authority to the broker, by
its fingerprint. The broker comes with it (`join`), and with an authority of its own; it gets the workshop's key, the token with
which it hands in results, and whose key it lets in. Each pair of a classroom and a broker has keys that nobody else is trusted
with: another broker's or another classroom's open nothing.

In the classroom's folder, `brokers/NAME/`: invited.json until it has joined; then broker.json, ca.pem, cert.pem and key.pem.
In the broker's folder: workshop.key, classroom.json, `outbox/` (delivering.py), and `tls/`.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from labkit.classroom import queue
from labkit.errors import LabError
from labkit.lab.owner import workshop
from labkit.lab.owner.workshop import Workshop
from labkit.work import keeping

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
LASTING = 24 * 3600.0
"""Seconds for which a pass can be used."""

FULL = "free some space on that disk"


class Invited(msgspec.Struct, frozen=True):
    digest: str
    """Of the pass."""
    until: float


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """A broker, as the classroom knows it."""

    name: str
    address: str


class Join(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a broker says: the pass, where it is reached, and the certificate of its authority, as PEM."""

    code: str
    address: str
    ca: str


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """What it is answered."""

    name: str
    workshop: str
    exercises: tuple[str, ...]
    """Slugs: their labs need more machines than others."""
    key: str
    """The workshop's, in base64."""
    token: str
    """For POST /api/results. It is renewed while it is used (delivering.py)."""
    classroom: str
    """The certificate, as PEM, that signed the classroom's key: who alone is let in."""


class Renewal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a broker with a token says to get a newer one."""

    before: str = ""
    """The token that it had before: it may end."""


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    """"" while the old one is good enough."""


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """A broker's own note of its classroom."""

    name: str
    workshop: str
    exercises: tuple[str, ...]
    address: str
    """Of the classroom."""


# The classroom's side


def check_name(name: str) -> str:
    """The name, if a broker can have it: it is a folder's. Raises LabError."""
    if not NAME.fullmatch(name):
        raise LabError(
            f"{name[:100]!r} can't be a broker's name.", "use at most 31 small letters, digits and hyphens: north-2"
        )
    return name


def _place(folder: Path, name: str) -> Path:
    return folder / "brokers" / name


def invite(folder: Path, name: str) -> str:
    """A pass for that broker, instead of one that it may have had. What a broker of that name is known by stays until another
    one joins. Raises LabError."""
    token = secrets.token_urlsafe(24)
    place = _place(folder, check_name(name))
    with keeping.writing("The broker's pass", FULL):
        place.mkdir(parents=True, mode=0o700, exist_ok=True)
        kept = Invited(_digest(token), time.time() + LASTING)
        keeping.write_whole(place / "invited.json", msgspec.json.encode(kept), mode=0o600)
    return token


def admit(folder: Path, asked: Join) -> tuple[str, str]:
    """Takes up the broker that comes with a pass, and uses the pass up. Returns the broker's name, and the certificate of whom
    it lets in. Raises LabError for a pass that is wrong, used or too old."""
    import trustme

    _check(asked)
    with keeping.lock(folder / "brokers"):
        name = _invited(folder, asked.code)
        place = _place(folder, name)
        authority = trustme.CA(organization_name="Registry Lab classroom", organization_unit_name=name)
        own = authority.issue_cert(common_name="classroom")
        chain = b"".join(one.bytes() for one in own.cert_chain_pems)
        with keeping.writing("The broker's keys", FULL):
            (place / "invited.json").unlink()  # first: whatever fails now, it was used
            for file, content in (
                ("ca.pem", asked.ca.encode()),
                ("cert.pem", chain),
                ("key.pem", own.private_key_pem.bytes()),
                ("broker.json", msgspec.json.encode(Joined(name=name, address=asked.address))),
            ):
                keeping.write_whole(place / file, content, mode=0o600)
    return name, authority.cert_pem.bytes().decode()


def _check(asked: Join) -> None:
    import ssl

    place = urlsplit(asked.address)
    if place.scheme != "https" or not place.hostname:
        raise LabError(f"{asked.address[:200]!r} is no address of a broker.", "it looks like https://HOST:8444")
    try:
        ssl.create_default_context(cadata=asked.ca)
    except (ssl.SSLError, ValueError) as error:
        raise LabError("The broker showed no certificate.", "compare labkit --version") from error


def _invited(folder: Path, code: str) -> str:
    """Raises LabError."""
    digest, found = _digest(code), ""
    for file in sorted(folder.glob("brokers/*/invited.json")):
        kept = keeping.load(file, msgspec.json.Decoder(Invited).decode, None)
        if kept and hmac.compare_digest(kept.digest, digest) and time.time() < kept.until:
            found = file.parent.name
    if not found:
        raise LabError(
            "This pass has been used, or it has run out.", "make a new one: labkit classroom invite-broker NAME"
        )
    return found


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode(errors="replace")).hexdigest()


def known(folder: Path) -> tuple[Joined, ...]:
    """The brokers that have joined, by name."""
    files = sorted(folder.glob("brokers/*/broker.json"))
    found = (keeping.load(file, msgspec.json.Decoder(Joined).decode, None) for file in files)
    return tuple(one for one in found if one)


def keys(folder: Path, name: str) -> Path:
    """ca.pem, cert.pem and key.pem for that broker."""
    return _place(folder, name)


# The broker's side


def join(root: Path, classroom: str, code: str, address: str) -> Home:
    """Joins a classroom with a pass. `address` is where it will reach this broker, whose keys are made already. A broker that
    knows another workshop refuses. Raises LabError."""
    token, fingerprint = queue.read_code(code, "labkit classroom invite-broker NAME")
    ca = queue.authority(classroom, fingerprint)
    asked = Join(code=token, address=address, ca=(root / "tls" / "ca.pem").read_text())
    status, told = queue.ask(classroom, ca, "POST", "/api/brokers", msgspec.to_builtins(asked))
    if status != 200:
        raise queue.refusal(told, "The classroom did not let this broker join.")
    try:
        welcome = msgspec.convert(told, Welcome)
        key = base64.b64decode(welcome.key, validate=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise LabError(f"The classroom's answer cannot be read: {error}.", "compare labkit --version") from error
    _keep_key(root / "workshop.key", Workshop(welcome.workshop, key))
    home = Home(name=welcome.name, workshop=welcome.workshop, exercises=welcome.exercises, address=classroom)
    outbox = queue.Joined(address=classroom, token=welcome.token, ca=ca, learner="", workshop=welcome.workshop)
    with keeping.writing("What the classroom told", FULL):
        keeping.write_whole(root / "tls" / "classroom.pem", welcome.classroom, mode=0o600)
        queue.keep(root / "outbox", outbox)
        keeping.write_whole(root / "classroom.json", msgspec.json.encode(home), mode=0o600)
    return home


def _keep_key(file: Path, key: Workshop) -> None:
    """Raises LabError where another workshop's labs may be here."""
    if file.exists() and workshop.read(file) != key:
        raise LabError(f"{file.parent} is a broker's of another workshop.", "choose another folder: --root FOLDER")
    kept = workshop.Secret(workshop=key.name, key=base64.b64encode(key.key).decode())
    with keeping.writing("The workshop's key", FULL):
        keeping.write_whole(file, msgspec.json.encode(kept), mode=0o600)


def home(root: Path) -> Home | None:
    """Which classroom the broker of that folder has joined; None for none."""
    return keeping.load(root / "classroom.json", msgspec.json.Decoder(Home).decode, None)
