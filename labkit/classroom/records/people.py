"""Who takes part, and what lets them in."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from labkit.classroom.gradebook import Learner
from labkit.classroom.records.models import Event, Member, Pass, Workshop
from labkit.classroom.rules import entries
from labkit.classroom.rules.counting import Policy
from labkit.classroom.rules.entries import Entry, Roster
from labkit.content import diagnoses
from labkit.errors import LabError, nearest
from labkit.text import visible

LEARNER, ASSISTANT, INSTRUCTOR = "learner", "assistant", "instructor"
STAFF = (ASSISTANT, INSTRUCTOR)
TRIAL = "trial"
"""The role of whoever tries the workshop out: a learner in everything but that they are in no list, mark or count."""
TRIES_OUT = "instructor's try"
FORMER = "former assistant"
"""The role of an assistant who was removed: what they wrote stays, and they come in no more."""

LINK, CODE, SESSION, DEVICE, JUPYTERLAB = "link", "code", "session", "device", "jupyterlab"
LASTING = {
    LINK: timedelta(days=7),
    CODE: timedelta(hours=4),
    SESSION: timedelta(hours=12),
    DEVICE: timedelta(days=30),
    JUPYTERLAB: timedelta(days=30),
    "laptop": timedelta(minutes=30),
    "broker": timedelta(days=30),
}
"""How long each kind of pass opens its door."""

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Of a join code: none that looks like another on a projector."""
CODE_LETTERS = 8

TRIES, WITHIN = 60, timedelta(minutes=5)
"""So many wrong join codes from one address in this time, and it has to wait. Right ones do not count, nor does a wrong id: a
whole class, with its typos, may come from one address. Nobody finds a code of 8 letters with that. Links and laptops' codes
have 192 bits: nobody finds one by trying, so nobody has to wait for them."""


def open_workshop(
    session: Session, name: str, public: str, weights: Sequence[tuple[str, float]], now: datetime
) -> Workshop:
    """The workshop of that name, made if there is none. Raises LabError where it was made with another key."""
    found = session.scalar(select(Workshop).where(Workshop.name == name))
    if found is None:
        found = Workshop(name=name, public=public, exercises=[list(one) for one in weights], opened=now)
        session.add(found)
        session.flush()
    if found.public != public:
        raise LabError(
            f"The workshop {visible(name)} was made with another key.",
            "start it with the key file that made it: --key FILE",
        )
    return found


def policy(workshop: Workshop) -> Policy:
    return Policy(
        attempts=workshop.attempts,
        self_reported=workshop.self_reported,
        offline=timedelta(minutes=workshop.offline_minutes),
        undone=diagnoses.undone(),
    )


@dataclass(frozen=True)
class Enrolled:
    """What a roster changed: ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    same: int
    left_out: tuple[str, ...] = ()
    """Sentences."""


def enroll(session: Session, workshop: Workshop, roster: Roster) -> Enrolled:
    """Adds the roster's learners and takes over changed names, addresses and sections. Nobody is removed."""
    known = {one.key: one for one in session.scalars(select(Member).where(Member.workshop_id == workshop.id))}
    added, changed, left_out, unchanged = [], [], [], 0
    for entry in roster.entries:
        key = entries.same(entry.ident)
        member = known.get(key)
        if member is None:
            member = _member(workshop, LEARNER, entry.ident, entry.name, entry.email, entry.section)
            member.ids = known_there(entry)
            session.add(member)
            added.append(entry.ident)
        elif member.role != LEARNER:
            left_out.append(f"{visible(entry.ident)} was left out: the {member.role} is called so.")
        elif _told(member) != (
            told := (entry.name, entry.email, entry.section, elsewhere(member) | known_there(entry))
        ):
            member.name, member.email, member.section, member.ids = told
            changed.append(entry.ident)
        else:
            unchanged += 1
    _room_for(session, workshop, len(added))
    return Enrolled(tuple(added), tuple(changed), unchanged, tuple(left_out))


def add(session: Session, workshop: Workshop, learner: Learner) -> Member:
    """A learner who was not on the roster. Raises LabError where somebody has this id."""
    key = entries.same(learner.id)
    if session.scalar(select(Member.id).where(Member.workshop_id == workshop.id, Member.key == key)) is not None:
        raise LabError(f"Somebody else here has the id {visible(learner.id)}.", "ask the instructor")
    member = _member(workshop, LEARNER, learner.id, learner.name, learner.email, learner.section)
    member.ids = dict(msgspec.to_builtins(learner.ids))
    session.add(member)
    _room_for(session, workshop, 1)
    return member


def _room_for(session: Session, workshop: Workshop, count: int) -> None:
    """The join code is there once for each learner: for the new ones too."""
    codes = update(Pass).where(Pass.workshop_id == workshop.id, Pass.kind == CODE)
    session.execute(codes.values(left=Pass.left + count).execution_options(synchronize_session=False))
    session.flush()


def _told(member: Member) -> tuple[str, str, str, dict[str, str]]:
    return member.name, member.email, member.section, elsewhere(member)


def elsewhere(member: Member) -> dict[str, str]:
    """Who a member is in other systems: {field of gradebook.Ids: what they are called there}."""
    return {name: value for name, value in member.ids.items() if value}


def known_there(entry: Entry) -> dict[str, str]:
    """The same as a roster tells it."""
    return dict(msgspec.to_builtins(entry.ids))


def staff(session: Session, workshop: Workshop, role: str, name: str, section: str = "") -> Member:
    """An instructor or assistant of that name, made if there is none. Raises LabError where a learner has the name."""
    key = entries.same(name)
    found = session.scalar(select(Member).where(Member.workshop_id == workshop.id, Member.key == key))
    if found is None:
        found = _member(workshop, role, name, name, "", section)
        session.add(found)
        session.flush()
    if found.role == FORMER:
        found.role, found.section = role, section
    if found.role not in STAFF:
        raise LabError(f"{visible(name)} is a learner of this workshop.", "choose another name")
    return found


def all_staff(session: Session, workshop: Workshop) -> list[Member]:
    """Instructors and assistants, in the order in which they came."""
    wanted = select(Member).where(Member.workshop_id == workshop.id, Member.role.in_(STAFF))
    return list(session.scalars(wanted.order_by(Member.id)))


def remove_assistant(session: Session, workshop: Workshop, number: int, now: datetime) -> Member:
    """Ends all that an assistant may. Raises LabError for anybody else."""
    found = next((one for one in all_staff(session, workshop) if one.id == number), None)
    if found is None or found.role != ASSISTANT:
        raise LabError("There is no such assistant.", "look at the page Workshop again")
    found.role = FORMER
    end_ways_in(session, workshop, found, now)
    return found


def colleague(session: Session, workshop: Workshop, role: str, name: str, whence: str) -> Member:
    """A new instructor or assistant who comes from elsewhere: never one who is there already, whatever they are called."""
    known = set(session.scalars(select(Member.key).where(Member.workshop_id == workshop.id)))
    ident = first = f"{name} ({whence})"[: entries.LONGEST - 10]
    count = 1
    while entries.same(ident) in known:
        count += 1
        ident = f"{first} {count}"
    made = _member(workshop, role, ident, name, "", "")
    session.add(made)
    session.flush()
    return made


def trial(session: Session, workshop: Workshop) -> Member:
    """Who tries this workshop out as a learner, made if there is nobody. Raises LabError where a learner is called so."""
    found = session.scalar(select(Member).where(Member.workshop_id == workshop.id, Member.role == TRIAL))
    if found is None:
        key = entries.same(TRIES_OUT)
        if session.scalar(select(Member.id).where(Member.workshop_id == workshop.id, Member.key == key)) is not None:
            raise LabError(
                f"Somebody on the roster is called {TRIES_OUT}.", "upload a roster that calls them otherwise"
            )
        found = _member(workshop, TRIAL, TRIES_OUT, TRIES_OUT.capitalize(), "", "")
        session.add(found)
        session.flush()
    return found


def _member(workshop: Workshop, role: str, ident: str, name: str, email: str, section: str) -> Member:
    return Member(
        workshop_id=workshop.id,
        role=role,
        ident=ident,
        key=entries.same(ident),
        name=name,
        email=email,
        section=section,
        ids={},
    )


def learners(session: Session, workshop: Workshop, viewer: Member | None = None) -> list[Member]:
    """The learners, in the order of their ids; for an assistant those of their section."""
    wanted = select(Member).where(Member.workshop_id == workshop.id, Member.role == LEARNER).order_by(Member.key)
    if viewer and viewer.role == ASSISTANT and viewer.section:
        wanted = wanted.where(Member.section == viewer.section)
    return list(session.scalars(wanted))


def numbers(session: Session, workshop: Workshop) -> dict[int, int]:
    """{member's number: what a learner is called while names are hidden}, in the roster's order: it stays the same for the
    whole workshop."""
    return numbered(learners(session, workshop))


def numbered(there: Sequence[Member]) -> dict[int, int]:
    """The same, of all learners."""
    return {member: number for number, member in enumerate(sorted(one.id for one in there), 1)}


def learner(session: Session, workshop: Workshop, viewer: Member, number: int) -> Member | None:
    """This learner, where the viewer may see them."""
    return next((one for one in learners(session, workshop, viewer) if one.id == number), None)


def by_ident(session: Session, workshop: Workshop, ident: str) -> Member:
    """The learner with this id. Raises LabError that names the near one."""
    key = entries.same(ident)
    found = session.scalar(select(Member).where(Member.workshop_id == workshop.id, Member.key == key))
    if found is None:
        known = [one.ident for one in learners(session, workshop)]
        raise LabError(f"The roster has no {visible(ident)}: {nearest(ident, known)}", "upload a roster that has them")
    return found


# ── passes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def digest(key: bytes, kind: str, token: str) -> str:
    """What is kept of a pass. Whoever reads the database without the workshop's key cannot try out codes."""
    return hmac.new(key, f"registry-lab pass 1\n{kind}\n{token}".encode(errors="replace"), hashlib.sha256).hexdigest()


def issue(
    session: Session,
    key: bytes,
    workshop: Workshop,
    kind: str,
    member: Member | None,
    now: datetime,
    uses: int | None = None,
    lasting: timedelta | None = None,
) -> str:
    """Makes a pass and returns it: it is not to be had again."""
    token = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS)) if kind == CODE else secrets.token_urlsafe(24)
    session.add(
        Pass(
            digest=digest(key, kind, token),
            workshop_id=workshop.id,
            member_id=member.id if member else None,
            kind=kind,
            made=now,
            until=now + (lasting or LASTING[kind]),
            left=uses,
        )
    )
    session.flush()
    return token


def look_up(session: Session, key: bytes, workshop: Workshop, kind: str, token: str, now: datetime) -> Pass | None:
    """The pass, where it still opens its door; nothing is used up."""
    return session.scalar(select(Pass).where(*_opens(key, workshop.id, (kind,), token, now)))


def whose(
    session: Session, key: bytes, workshop: int, kinds: Sequence[str], token: str, now: datetime
) -> tuple[int | None] | None:
    """The number of the member whose pass of any of these kinds it is, which is nobody's of a broker's; None where it opens
    nothing in the workshop of this number."""
    found = session.execute(select(Pass.member_id).where(*_opens(key, workshop, kinds, token, now))).first()
    return (found[0],) if found else None


def holder(
    session: Session, key: bytes, workshop: int, kinds: Sequence[str], token: str, now: datetime
) -> tuple[Workshop, Pass, Member | None] | None:
    """The workshop, the pass, and whose it is, in one question."""
    wanted = (
        select(Workshop, Pass, Member)
        .join(Pass, Pass.workshop_id == Workshop.id)
        .outerjoin(Member, Member.id == Pass.member_id)
    )
    found = session.execute(wanted.where(*_opens(key, workshop, kinds, token, now))).first()
    return (found[0], found[1], found[2]) if found else None


def _opens(key: bytes, workshop: int, kinds: Sequence[str], token: str, now: datetime) -> list[ColumnElement[bool]]:
    return [
        Pass.digest.in_([digest(key, kind, token) for kind in kinds]),
        Pass.workshop_id == workshop,
        Pass.kind.in_(kinds),
        Pass.until > now,
        or_(Pass.left.is_(None), Pass.left > 0),
    ]


def use(session: Session, key: bytes, workshop: Workshop, kind: str, token: str, now: datetime) -> Pass | None:
    """The same, used once. Of two who come with it at the same time, one gets it."""
    found = look_up(session, key, workshop, kind, token, now)
    if found is None or found.left is None:
        return found
    done = session.execute(
        update(Pass)
        .where(Pass.digest == found.digest, Pass.left > 0)
        .values(left=Pass.left - 1)
        .execution_options(synchronize_session=False)
    )
    return found if done.rowcount == 1 else None  # type: ignore[attr-defined]


def aging(found: Pass, now: datetime) -> bool:
    """Whether less than half of its time is left: time for a new one."""
    return found.until - now < LASTING[found.kind] / 2


def end(session: Session, key: bytes, kind: str, token: str, now: datetime) -> None:
    """A pass that opens nothing any more."""
    session.execute(update(Pass).where(Pass.digest == digest(key, kind, token)).values(until=now))


def end_all(session: Session, workshop: Workshop, kind: str, now: datetime, member: Member | None = None) -> None:
    """All passes of this kind, or a member's."""
    wanted = update(Pass).where(Pass.workshop_id == workshop.id, Pass.kind == kind, Pass.until > now)
    session.execute((wanted.where(Pass.member_id == member.id) if member else wanted).values(until=now))


def end_ways_in(session: Session, workshop: Workshop, member: Member, now: datetime) -> None:
    """Signs a member out everywhere: browsers, machines, and links and codes that are not used yet."""
    for kind in (SESSION, DEVICE, JUPYTERLAB, LINK, "laptop"):
        end_all(session, workshop, kind, now, member)


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def note(
    session: Session,
    workshop: Workshop,
    now: datetime,
    kind: str,
    what: str = "",
    member: Member | None = None,
    address: str = "",
) -> None:
    """Adds a line to the classroom's log. Of what strangers cause, only so many: nobody may fill the disk, or push out of
    sight what happened before."""
    if kind in LIMITED and _many(session, workshop, kind, member, address, now, MOST_LINES):
        return
    if kind in OFTEN and member is not None and _many(session, workshop, kind, member, "", now, MOST_LINES):
        return
    told = visible(what)[:1000]
    line = Event(
        workshop_id=workshop.id,
        time=now,
        kind=kind,
        member_id=member.id if member else None,
        address=visible(address)[:60],
        what=told,
    )
    session.add(line)


WRONG_CODE, REFUSED, WAITS, NOT_TAKEN = "wrong-code", "refused", "waits", "not-taken"
LIMITED, MOST_LINES = (REFUSED, WAITS, NOT_TAKEN), 100
"""Lines that anybody can cause as often as they like, and how many of a kind are written from one place WITHIN that time.
Wrong codes are not among them: what is counted must be written down, and after TRIES of them nobody looks at a code."""


OFTEN = ("jupyter", "laptop", "reset", "terminal")
"""Lines that learners can cause as often as they click: so many of each are written about one of them."""


SIGNED_IN = "signed-in"


def first_sign_in(session: Session, member: Member) -> Event | None:
    """When, how and from where a member came in for the first time."""
    wanted = select(Event).where(Event.member_id == member.id, Event.kind == SIGNED_IN).order_by(Event.number)
    return session.scalars(wanted.limit(1)).first()


def _many(
    session: Session, workshop: Workshop, kind: str, member: Member | None, address: str, now: datetime, most: int
) -> bool:
    """Whether there are so many lines of this kind from there, or about this member where nobody says from where."""
    wanted = select(func.count()).where(
        Event.workshop_id == workshop.id, Event.kind == kind, Event.time > now - WITHIN, Event.time <= now
    )
    if address:
        wanted = wanted.where(Event.address.startswith(network(address), autoescape=True))
    elif member is not None:
        wanted = wanted.where(Event.member_id == member.id)
    return (session.scalar(wanted) or 0) >= most


def network(address: str) -> str:
    """How the addresses begin that one machine can have: of IPv6 a network's (/64), else this one. `address` is as
    app/security.py writes it."""
    return address[: len("2001:0db8:0000:0000:")] if address.count(":") == 7 else address


def must_wait(session: Session, workshop: Workshop, address: str, now: datetime) -> bool:
    """Whether too many wrong codes came from there. What the log has from the future does not count: the clock was wrong."""
    return _many(session, workshop, WRONG_CODE, None, address, now, TRIES)
