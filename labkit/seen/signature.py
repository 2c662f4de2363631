"""A signature over an observation. It proves who observed, by a key that only they have (Ed25519).

It covers the JSON values as they were written, in one canonical form, and not what this labkit reads from them: so a later
labkit, whose schema has more, can check the same signature. It covers everything: what was seen, what the learner's side
claimed at that moment, whose lab it is, and when.
"""

import base64
import binascii
import json
from typing import Any

import msgspec

from labkit.errors import LabError

PURPOSE = b"registry-lab observation 1\n"
"""What is signed begins with this, so that no other signature can pass for an observation's."""

MEND = "ask for the original file, as the workshop's owner signed it"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """`value` is "" if nobody signed."""

    workshop: str = ""
    """The name of the workshop."""
    key: str = ""
    """The public key, in base64."""
    value: str = ""
    """The signature, in base64."""


class Public(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you need to check a workshop's signatures."""

    workshop: str
    public: str
    """An Ed25519 public key, in base64."""


def message(data: dict[str, Any]) -> bytes:
    """The signed part of an observation's JSON values: everything except the seal and the signature's value."""
    signature = {name: text for name, text in data["signature"].items() if name != "value"}
    signed = {name: value for name, value in data.items() if name != "seal"} | {"signature": signature}
    return PURPOSE + json.dumps(signed, sort_keys=True, separators=(",", ":")).encode("ascii")


def check(data: dict[str, Any], by: Public) -> None:
    """Raises LabError if this workshop did not sign exactly these JSON values."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    told = data.get("signature")
    if not isinstance(told, dict) or not told.get("value"):
        raise LabError(f"This observation is not signed, but observations from the workshop {by.workshop} are.", MEND)
    if told.get("key") != by.public:
        raise LabError(
            f"This observation is signed with a different key than that of the workshop {by.workshop}.", MEND
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(by.public, validate=True))
    except (binascii.Error, ValueError) as error:
        raise LabError(
            f"The public key of the workshop {by.workshop} is damaged: {error}.",
            "compare it with the original FILE.pub",
        ) from error
    try:
        key.verify(base64.b64decode(str(told["value"]), validate=True), message(data))
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise LabError(
            "This observation was changed after it was signed: its signature does not match.", MEND
        ) from error
