"""The key of a graded workshop: a file that stays with its owner. The signatures of observations and each learner's values
(HKDF, RFC 5869) come from it, so neither can be produced without it. The key never goes into an environment, a label, an
argument or a log: these name only the file."""

import base64
import binascii
import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from labkit.content import personal
from labkit.errors import LabError
from labkit.seen import signature
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.seen.signature import Public, Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LENGTH = 32
"""Bytes of the key, and of what comes from it."""

LARGEST = 4096
"""Bytes that such a file may have."""


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds."""

    workshop: str
    key: str
    """LENGTH random bytes, in base64."""


@dataclass(frozen=True)
class Workshop:
    """A workshop with its key."""

    name: str
    key: bytes = field(repr=False)

    def person(self, learner: str) -> Person:
        """The learner's values. Without the key nobody computes another's."""
        return personal.person(learner, self._derived(b"registry-lab values 1").hex())

    @property
    def public(self) -> Public:
        return Public(workshop=self.name, public=_text(self._signing.public_key().public_bytes_raw()))

    def signed(self, seen: Observation) -> Observation:
        """The observation as one that this workshop vouches for."""
        by = Signature(workshop=self.name, key=self.public.public)
        unsigned = msgspec.structs.replace(seen, signature=by)
        value = self.sign(signature.message(unsigned.data()))
        return msgspec.structs.replace(unsigned, signature=msgspec.structs.replace(by, value=value))

    def sign(self, message: bytes) -> str:
        """A signature in base64. The message must begin with what it is for, as signature.PURPOSE."""
        return _text(self._signing.sign(message))

    @property
    def _signing(self) -> "Ed25519PrivateKey":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._derived(b"registry-lab signing 1"))

    def _derived(self, purpose: bytes) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), LENGTH, salt=None, info=purpose).derive(self.key)


def new(file: Path, name: str) -> Path:
    """Makes a workshop's key, readable by nobody else, and beside it FILE.pub, for whoever grades. Returns that one. No file is
    ever written over. Raises LabError."""
    made = Workshop(name, secrets.token_bytes(LENGTH))
    beside = file.with_name(f"{file.name}.pub")
    _write(file, Secret(workshop=name, key=_text(made.key)), 0o600)
    try:
        _write(beside, made.public, 0o644)
    except LabError:
        file.unlink()
        raise
    return beside


def _write(file: Path, value: msgspec.Struct, mode: int) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(msgspec.json.encode(value) + b"\n")
    except FileExistsError as error:
        raise LabError(
            f"{file} already exists.", "choose another name: a workshop's key is created only once"
        ) from error
    except OSError as error:
        raise LabError(f"{file} could not be written: {error.strerror}.", "choose another folder") from error


def read(file: Path) -> Workshop:
    """The workshop of that key file. Raises LabError where it is none, or where others can read it."""
    with _opened(file) as handle:
        mode = os.fstat(handle).st_mode & 0o777
        if mode & 0o077:
            raise LabError(f"Other users can read the workshop's key {file} (mode {mode:03o}).", f"chmod 600 {file}")
        try:
            told = msgspec.json.decode(_content(handle), type=Secret)
            key = base64.b64decode(told.key, validate=True)
        except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError) as error:
            raise LabError(f"{file} is not a workshop's key.", f"labkit workshop new {file}") from error
    if len(key) != LENGTH:
        raise LabError(f"{file} is not a workshop's key.", f"labkit workshop new {file}")
    return Workshop(told.workshop, key)


def public(file: Path) -> Public:
    """What `new` wrote beside the key. Raises LabError."""
    with _opened(file) as handle:
        try:
            told = msgspec.json.decode(_content(handle), type=Public)
            if len(base64.b64decode(told.public, validate=True)) == LENGTH:
                return told
        except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
            pass
    raise LabError(
        f"{file} is not a workshop's public key.",
        "use the FILE.pub that labkit workshop new wrote: --signed-by FILE.pub",
    )


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[int]:
    """A file that is one: what never ends, as a pipe, is not waited for. Raises LabError."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        fix = f"labkit workshop new {file}   (or put it back)"
        raise LabError(f"The workshop's key {file} cannot be read: {error.strerror}.", fix) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise LabError(
                f"The workshop's key {file} cannot be read: it is not a file.", "give the path of the file itself"
            )
        yield handle
    finally:
        os.close(handle)


def _content(handle: int) -> bytes:
    return os.read(handle, LARGEST)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
