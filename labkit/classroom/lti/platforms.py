"""The platforms that may use this tool, and the tool's own keys.

A platform is what its administrator tells when the tool is registered there, one `[[platform]]` in a TOML file. The tool's
keys are PEM files in a folder that only their owner can read: the newest signs, and all of them are published, so that what was
signed before a change can still be checked.
"""

import functools
import os
import re
import stat
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pylti1p3.deployment import Deployment
from pylti1p3.exception import ToolConfException
from pylti1p3.registration import Registration
from pylti1p3.tool_config.abstract import ToolConfAbstract

from labkit.classroom.lti.matching import By
from labkit.errors import LabError

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Platform(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A registration. Moodle and Canvas show all of these when the tool is added there."""

    name: str
    """For people."""
    issuer: str
    """Moodle: "Platform ID". Canvas in the cloud: https://canvas.instructure.com for everybody."""
    client: str
    """Client ID."""
    login: str
    """Authentication request URL."""
    token: str
    """Access token URL."""
    keys: str
    """Public keyset URL."""
    deployments: tuple[str, ...]
    """Deployment IDs. A message from any other is refused."""
    audience: str = ""
    """Whom the request for a token is for, where it is not the token's URL."""
    frames: tuple[str, ...] = ()
    """Addresses of pages that may show the tool in a frame, beside the issuer's and the login's: with Canvas in the cloud, the
    school's own, https://school.instructure.com."""
    learner: By = By.EMAIL
    """How somebody who comes for the first time is found on the roster."""
    enroll: bool = False
    """Whether learners who are not on the roster are added when they come."""
    courses: tuple[str, ...] = ()
    """The platform's ids of the courses that may lead here; none: all of its courses."""
    teachers: bool = False
    """Whether who teaches one of `courses` opens the board here. It needs `courses`: anybody may teach some course there."""

    def __post_init__(self) -> None:
        for what in ("login", "token", "keys"):
            if not safe(getattr(self, what)):
                raise ValueError(f"{what} must be an https:// address, not {getattr(self, what)!r}")
        if not self.deployments or not all(self.deployments):
            raise ValueError("deployments must name at least one")
        if self.teachers and not self.courses:
            raise ValueError("teachers needs courses: the ids of the courses whose teachers open the board")
        for page in self.frames:
            if not origin(page):
                raise ValueError(f"frames must be https:// addresses, not {page!r}")

    @property
    def origins(self) -> tuple[str, ...]:
        """Whose pages may show the tool in a frame, as a browser's policy names them."""
        known = (origin(page) for page in (self.issuer, self.login, *self.frames))
        return tuple(dict.fromkeys(filter(None, known)))

    def takes(self, context: str) -> bool:
        """Whether this course may lead here."""
        return not self.courses or context in self.courses


class Registrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file tells."""

    platform: tuple[Platform, ...]
    address: str = ""
    """Where browsers and platforms reach the classroom, https://lab.example, where that is not what it calls itself: behind a
    proxy."""

    def __post_init__(self) -> None:
        if self.address and self.address.rstrip("/") != origin(self.address):
            raise ValueError(f"address must be of the form https://lab.example:8443, not {self.address!r}")


def origin(url: str) -> str:
    """https://host:port of an address; "" where it is none that is safe."""
    parts = urlsplit(url) if safe(url) else None
    # a policy is words and signs: what could be another of its words is no host
    if parts is None or not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
        return ""
    return f"{parts.scheme}://{parts.netloc.lower()}"


def safe(url: str) -> bool:
    """Whether it is an address that nobody on the way can read or change: https, or this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        return False


def read(file: Path) -> Registrations:
    """Raises LabError that says what is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(file.read_text()), Registrations)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise LabError(f"{file} does not tell the platforms: {error}.", "see docs/instructing.md, LTI") from error
    known = [(one.issuer, one.client) for one in found.platform]
    if len(set(known)) < len(known):
        raise LabError(f"{file} tells a platform twice: each issuer and client once.", f"look into {file}")
    if not known:
        raise LabError(f"{file} tells no platform.", "see docs/instructing.md, LTI")
    return found


class Keys:
    """The tool's keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, bits: int = 3072) -> Path:
        """Makes a key (RSA) that signs from now on; those before it stay published. Raises LabError."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        made = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        text = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self._folder / f"{time.time_ns():020}.pem"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(text)
        except OSError as error:
            raise LabError(f"{file} could not be written: {error.strerror}.", "choose another folder") from error
        return file

    def made(self) -> "Keys":
        """With a first key, where there was none. Raises LabError."""
        if not list(self._folder.glob("*.pem")):
            self.new()
        return self

    def private(self) -> str:
        """The one that signs, as PEM. Raises LabError where there is none, or where others can read it."""
        files = sorted(self._folder.glob("*.pem"))
        if not files:
            raise LabError(f"There is no key in {self._folder}.", "make one: labkit lti key FOLDER")
        mode = stat.S_IMODE(files[-1].stat().st_mode)
        if mode & 0o077:
            raise LabError(f"Other users can read the key {files[-1]} (mode {mode:03o}).", f"chmod 600 {files[-1]}")
        return files[-1].read_text()

    def shown(self) -> str:
        """The public half of the one that signs, as PEM and as JWK, for a platform where it is pasted."""
        told = public(self.private())
        return (
            f"{told}\n{msgspec.json.format(msgspec.json.encode(dict(Registration.get_jwk(told))), indent=1).decode()}"
        )

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """All public keys as a JWK set, for the platforms."""
        return {
            "keys": [
                dict(Registration.get_jwk(public(file.read_text()))) for file in sorted(self._folder.glob("*.pem"))
            ]
        }


@functools.lru_cache(maxsize=8)
def public(private: str) -> str:
    """The public half of a key, as PEM."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(private.encode(), None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


class Registered(ToolConfAbstract[Any]):
    """pylti1p3's view of the platforms. A registration is made anew for each message: pylti1p3 keeps the platform's keys in it,
    and a platform changes its keys."""

    def __init__(self, platforms: tuple[Platform, ...], keys: Keys) -> None:
        self._platforms, self._keys = platforms, keys

    def check_iss_has_one_client(self, iss: str) -> bool:
        return False

    def check_iss_has_many_clients(self, iss: str) -> bool:
        return True

    def platform(self, issuer: str, client: str | None) -> Platform | None:
        """Canvas does not always name the client in a login; then the issuer must have one only."""
        fitting = [one for one in self._platforms if one.issuer == issuer and client in (one.client, None, "")]
        return fitting[0] if len(fitting) == 1 else None

    def find_registration_by_issuer(self, iss: str, *args: Any, **kwargs: Any) -> Registration:
        return self.find_registration_by_params(iss, "")

    def find_registration_by_params(self, iss: str, client_id: str, *args: Any, **kwargs: Any) -> Registration:
        found = self.platform(iss, client_id)
        if found is None:
            raise ToolConfException("no platform with this issuer and client is registered")
        return registration(found, self._keys)

    def find_deployment(self, iss: str, deployment_id: str) -> Deployment | None:
        return None

    def find_deployment_by_params(
        self, iss: str, deployment_id: str, client_id: str, *args: Any, **kwargs: Any
    ) -> Deployment | None:
        found = self.platform(iss, client_id)
        if not client_id or not found or deployment_id not in found.deployments:
            return None
        return Deployment().set_deployment_id(deployment_id)


def registration(platform: Platform, keys: Keys) -> Registration:
    private = keys.private()
    made = Registration()
    made.set_issuer(platform.issuer).set_client_id(platform.client)
    made.set_auth_login_url(platform.login).set_auth_token_url(platform.token).set_key_set_url(platform.keys)
    if platform.audience:
        made.set_auth_audience(platform.audience)
    return made.set_tool_private_key(private).set_tool_public_key(public(private))
