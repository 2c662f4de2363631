"""What people say to each other: raised hands, messages, reflections and what is said about them."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from labkit.classroom.records.models import Hand, Member, Message, Reflection, Workshop
from labkit.errors import LabError

LONGEST = 100_000
"""Characters of a reflection or a message."""


LONGEST_SAID = 500
"""Of what is said with a raised hand: every board gets all of it, whenever something changes."""


def plain(text: str, longest: int = LONGEST) -> str:
    """A text as it is kept: without what a database cannot hold. Raises LabError where it is too long."""
    if len(text) > longest:
        raise LabError(f"This text has {len(text):,} characters; at most {longest:,} are kept.", "make it shorter")
    return text.replace("\r\n", "\n").replace("\0", "").encode(errors="replace").decode().strip()


def raise_hand(session: Session, member: Member, said: str, now: datetime) -> None:
    """A hand that is up already stays up, with the new words."""
    up = hand(session, member)
    if up is None:
        session.add(Hand(member_id=member.id, raised=now, said=plain(said, LONGEST_SAID)))
    elif said.strip():
        up.said = plain(said, LONGEST_SAID)


def lower_hand(session: Session, member: Member, now: datetime) -> None:
    session.execute(update(Hand).where(Hand.member_id == member.id, Hand.lowered.is_(None)).values(lowered=now))


def hand(session: Session, member: Member) -> Hand | None:
    up = select(Hand).where(Hand.member_id == member.id, Hand.lowered.is_(None)).order_by(Hand.number)
    return session.scalars(up).first()


def hands(session: Session, workshop: Workshop) -> dict[int, Hand]:
    """{member's number: raised hand}"""
    wanted = (
        select(Hand)
        .join(Member, Member.id == Hand.member_id)
        .where(Member.workshop_id == workshop.id, Hand.lowered.is_(None))
    )
    return {one.member_id: one for one in session.scalars(wanted.order_by(Hand.number.desc()))}


def say(session: Session, workshop: Workshop, by: Member, to: Member | None, text: str, now: datetime) -> None:
    """A message to one learner, or to all. Raises LabError for an empty one."""
    told = plain(text)
    if not told:
        raise LabError("The message is empty.", "write something")
    session.add(Message(workshop_id=workshop.id, member_id=to.id if to else None, by_id=by.id, text=told, time=now))


def messages(session: Session, workshop: Workshop, member: Member) -> list[tuple[Message, str]]:
    """What a learner has been told, the newest first: (message, who says it)."""
    wanted = (
        select(Message, Member.name)
        .join(Member, Member.id == Message.by_id)
        .where(Message.workshop_id == workshop.id, or_(Message.member_id == member.id, Message.member_id.is_(None)))
        .order_by(Message.number.desc())
        .limit(50)
    )
    return [(message, by) for message, by in session.execute(wanted)]


PAGE = "page"
"""Where a text was written: on the learner's page. In JupyterLab it is the origin of the observation that brings it."""


def reflect(session: Session, member: Member, exercise: str, text: str, now: datetime, source: str = PAGE) -> bool:
    """Keeps what a learner has written there; returns whether it is another text than the last one. A lab says its text again
    and again: it is new where it differs from what that lab said before, whatever was written elsewhere meanwhile."""
    told = plain(text)
    last = reflection(session, member, exercise)
    if not told or (source == PAGE and last is not None and last.text == told):
        return False
    if source != PAGE and _said(session, member, exercise, told, source):
        return False
    one = Reflection(member_id=member.id, exercise=exercise, text=told, time=now, source=source)
    session.add(one)
    if last is None or last.text != told:
        return True
    one.time, one.scores, one.feedback = last.time, last.scores, last.feedback  # the same text from elsewhere
    one.by_id, one.judged = last.by_id, last.judged
    return False


def _said(session: Session, member: Member, exercise: str, text: str, source: str) -> bool:
    """Whether this is what the lab said last; of texts whose source was not kept, whether it is among them."""
    mine = select(Reflection.text).where(Reflection.member_id == member.id, Reflection.exercise == exercise)
    last = session.scalar(mine.where(Reflection.source == source).order_by(Reflection.number.desc()).limit(1))
    if last is None:
        return session.scalar(mine.where(Reflection.source == "", Reflection.text == text).limit(1)) is not None
    return last == text


def reflection(session: Session, member: Member, exercise: str) -> Reflection | None:
    """The newest."""
    wanted = select(Reflection).where(Reflection.member_id == member.id, Reflection.exercise == exercise)
    return session.scalars(wanted.order_by(Reflection.number.desc())).first()


def judge(one: Reflection, scores: list[bool], feedback: str, by: Member, now: datetime) -> None:
    """What an instructor says about it, by the rubric."""
    one.scores, one.feedback, one.by_id, one.judged = scores, plain(feedback), by.id, now
