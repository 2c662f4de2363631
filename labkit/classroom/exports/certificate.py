"""A certificate of completion: what a learner reached, as JSON that the workshop signs with its key (Ed25519) and anybody with
the workshop's public key can check. The paper that people frame (`paper`) carries the same JSON inside.

Off unless the gradebook says from which share of the total one is earned. Only marks that somebody vouches for count: what a
learner's own machine said is no ground for a certificate.
"""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from labkit.classroom.gradebook import Gradebook, Moment, plain
from labkit.errors import LabError
from labkit.seen.signature import Public

PURPOSE = b"registry-lab certificate 1\n"
"""What is signed begins with this, so that a certificate's signature can pass for nothing else's, and nothing else's for it."""

MEND = "ask the workshop's instructor for the file as it was given out"

LARGEST = 1_000_000
"""Bytes of a certificate."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was reached in one exercise."""

    exercise: str
    title: str
    points: float
    maximum: float


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`value` is the signature, in base64; "" until it is signed."""

    schema: int = 1
    workshop: str
    learner: str
    """By which the workshop knows them."""
    name: str
    share: float
    """Of the total, from 0 to 1."""
    parts: tuple[Part, ...]
    issued: Moment
    key: str
    """The public key, in base64."""
    value: str = ""

    def dump(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def earned(book: Gradebook, learner: str, issued: datetime, key: str) -> Certificate:
    """The certificate, not signed yet. Raises LabError where the workshop gives none, or this learner has not earned one."""
    if book.certificate is None:
        raise LabError(
            f"The workshop {book.workshop} gives no certificates.",
            'set "certificate" in the gradebook to the share of the total that earns one, e.g. 0.8',
        )
    try:
        about = book.learner(learner)
    except KeyError as error:
        raise LabError(
            f"{learner!r} is no learner of the workshop {book.workshop}.", "use the id as in the roster"
        ) from error
    vouched = book.vouched()
    total = vouched.total(learner)
    if total.share < book.certificate:
        own = book.total(learner).share > total.share
        raise LabError(
            f"{about.shown} has {plain(total.percent)} percent of {plain(book.certificate * 100)} that a certificate needs"
            + (", not counting what only their own machine said." if own else "."),
            "observe the lab, or set the mark by hand" if own else "wait until there is more",
        )
    found = [(item, vouched.counting(learner, item.exercise)) for item in book.items]
    return Certificate(
        workshop=book.workshop,
        learner=learner,
        name=about.shown,
        share=total.percent / 100,
        parts=tuple(
            Part(exercise=item.exercise, title=item.title, points=scored.points, maximum=scored.maximum)
            for item, scored in found
            if scored
        ),
        issued=issued,
        key=key,
    )


def signed(certificate: Certificate, sign: Callable[[bytes], str]) -> Certificate:
    """`sign` gives a signature in base64 over the bytes, by the workshop's key."""
    return msgspec.structs.replace(certificate, value=sign(_message(msgspec.to_builtins(certificate))))


def _message(data: dict[str, Any]) -> bytes:
    told = {name: value for name, value in data.items() if name != "value"}
    return PURPOSE + json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")


def verified(text: bytes, by: Public) -> Certificate:
    """The certificate in this JSON, which that workshop signed. Raises LabError that says what is wrong."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        data = json.loads(text[:LARGEST].decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
        certificate = msgspec.convert(data, Certificate)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise LabError(f"This is not a certificate: {_short(error)}.", MEND) from error
    if certificate.key != by.public:
        raise LabError(
            f"This certificate is signed with a different key than that of the workshop {by.workshop}.", MEND
        )
    if certificate.workshop != by.workshop:
        raise LabError(f"This certificate is of the workshop {certificate.workshop}, not of {by.workshop}.", MEND)
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(by.public, validate=True))
        key.verify(base64.b64decode(certificate.value, validate=True), _message(data))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise LabError("This certificate was changed, or never signed: its signature does not match.", MEND) from error
    return certificate


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What is signed must mean one thing to every reader."""
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("it says the same twice")
    return data


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 100 else f"{text[:100]}…"
