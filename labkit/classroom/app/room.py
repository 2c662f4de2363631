"""What every request needs: the database, the workshop with its key, the clock, and who is asking."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from anyio import CapacityLimiter
from sqlalchemy.orm import Session

from labkit.classroom.broker.labs import Labs
from labkit.classroom.broker.servers import Servers
from labkit.classroom.records import people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Member, Workshop
from labkit.lab.owner.workshop import Workshop as Key

if TYPE_CHECKING:
    from labkit.classroom.app.desk import Desk
    from labkit.classroom.app.hub import Hub
    from labkit.classroom.app.lti import Lti
    from labkit.classroom.hub.elsewhere import Elsewhere


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Room:
    """One workshop, as an app serves it."""

    database: Database
    number: int
    """The workshop's, in the database."""
    key: Key
    address: str
    """https://HOST:PORT, as it is printed and put into links."""
    ca: bytes = b""
    """The certificate that signed the app's own, as PEM."""
    clock: Callable[[], datetime] = now
    labs: Labs | None = None
    """Who has the learners' labs; None where the classroom starts none."""
    desk: "Desk | None" = None
    """What pages ask of the labs; the app makes one where there is none."""
    jupyter: Callable[[Member], str] | None = None
    """The address of a learner's JupyterLab; None where there is no hub."""
    lti: "Lti | None" = None
    """Learning platforms that lead here; None where none is registered."""
    hub: "Hub | None" = None
    """JupyterHub, where the classroom runs one."""
    taking: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(3))
    """So many results are taken at once. Many more at once would all take much longer: after each of its questions to the
    database a thread waits for the interpreter, behind all other threads."""
    _turns: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    servers: Servers | None = None
    """Which brokers on other machines there are, and may come; None where none may."""
    elsewhere: "Elsewhere | None" = None
    """Learners' JupyterLabs on these machines; None where there can be none."""
    changed: Callable[[], None] = field(default=lambda: None)
    """Called after everything that the board may show."""
    woken: Callable[[int | None], None] = field(default=lambda _: None)
    """Called after everything that pages about this member may show; None: about anybody."""

    @contextlib.asynccontextmanager
    async def turn(self, whose: int | None) -> AsyncIterator[None]:
        """One after the other: a learner who sends a hundred things at once keeps nobody else waiting. None waits for none."""
        turn = asyncio.Lock() if whose is None else self._turns.setdefault(whose, asyncio.Lock())
        async with turn:
            yield

    def workshop(self, session: Session) -> Workshop:
        return session.get_one(Workshop, self.number)

    @property
    def fingerprint(self) -> str:
        """Names the authority, so that a laptop knows it before it trusts it: 128 bits of its SHA-256."""
        import ssl

        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.ca.decode())).hexdigest()[:32] if self.ca else ""

    def csrf(self, token: str) -> str:
        """What a form of this session must carry. Nobody who does not have the session's cookie can make it."""
        return hmac.new(self.key.key, f"registry-lab form 1\n{token}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Viewer:
    """Who is asking: a member, and the session's token."""

    member: Member
    token: str
    csrf: str

    @property
    def staff(self) -> bool:
        return self.member.role in people.STAFF

    @property
    def instructor(self) -> bool:
        return self.member.role == people.INSTRUCTOR


SIGN_OF_LIFE = timedelta(seconds=30)
"""A page that a learner opens is noted as a sign of life at most so often."""
