"""The tables. Times are UTC and have a zone on this side."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Utc(TypeDecorator[datetime]):
    """A moment. SQLite keeps none with a zone: there it is UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Utc}  # noqa: RUF012  (SQLAlchemy's own form)


class Workshop(Base):
    """What the learners take part in. One database may hold several; an app serves one."""

    __tablename__ = "workshop"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    public: Mapped[str] = mapped_column(String(100))
    """The key that signs its observations."""
    exercises: Mapped[list[Any]] = mapped_column(JSON)
    """[[slug, weight], …] in the order of the workshop."""
    opened: Mapped[datetime]
    deadline: Mapped[datetime | None]
    grace_minutes: Mapped[int] = mapped_column(default=0)
    late_percent: Mapped[int] = mapped_column(default=0)
    """For each begun day after the deadline and the grace."""
    attempts: Mapped[int] = mapped_column(default=0)
    self_reported: Mapped[bool] = mapped_column(default=True)
    offline_minutes: Mapped[int] = mapped_column(default=120)
    certificate_percent: Mapped[int] = mapped_column(default=0)
    """Of the total, from which a learner gets a certificate; 0: nobody gets one."""
    links_only: Mapped[bool] = mapped_column(default=False)
    """Nobody joins with the room's code: whoever has it and an id that has not come yet is that learner."""


class Member(Base):
    """A learner, an assistant or an instructor."""

    __tablename__ = "member"
    __table_args__ = (UniqueConstraint("workshop_id", "key"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    ident: Mapped[str] = mapped_column(String(200))
    """What the roster calls them, and what their lab is called by."""
    key: Mapped[str] = mapped_column(String(400))
    """The same without what people do not see (rules/entries.py: same)."""
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(200), default="")
    section: Mapped[str] = mapped_column(String(200), default="")
    """An assistant sees the learners of this section; "" is all of them."""
    signed_in: Mapped[datetime | None]
    """For the first time."""
    seen: Mapped[datetime | None]
    ids: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Who they are in other systems, as far as the roster says (gradebook.Ids)."""


class Pass(Base):
    """What opens a door: a one-time link, a join code, a browser's session or a laptop's key. Only its digest is kept."""

    __tablename__ = "pass"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    """Nobody's for a join code."""
    kind: Mapped[str] = mapped_column(String(20))
    made: Mapped[datetime]
    until: Mapped[datetime]
    left: Mapped[int | None]
    """How often it may still be used; null for as often as one likes."""


class Observation(Base):
    """What a lab held, as it was handed in."""

    __tablename__ = "observation"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Of the JSON values, in canonical form."""
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    origin: Mapped[str] = mapped_column(String(20))
    device: Mapped[str] = mapped_column(String(64), default="")
    """The digest of the pass that it was handed in with."""
    taken: Mapped[datetime]
    received: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(64), default="")
    """Names what the lab held, whenever it was looked at (handing_in.state); "" where nobody has asked."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON, compressed by zlib."""


class Newest(Base):
    """The newest look at a learner's lab that judged an exercise, whether it changed the result or not: a check that was broken
    then may find the work once it is mended. One before the deadline and one after it, from each origin, and no more."""

    __tablename__ = "newest"
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), primary_key=True)
    exercise: Mapped[str] = mapped_column(String(100), primary_key=True)
    origin: Mapped[str] = mapped_column(String(20), primary_key=True)
    late: Mapped[bool] = mapped_column(primary_key=True)
    """Whether it was after the deadline, as that was then."""
    observation: Mapped[str] = mapped_column(ForeignKey("observation.digest", ondelete="CASCADE"), index=True)
    content: Mapped[str] = mapped_column(String(50))
    """The content that has graded it last."""


class Trace(Base):
    """A line of an access log that a learner's observations have: by these, copies are recognized."""

    __tablename__ = "trace"
    line: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Names it (rules/trust.py: traces)."""
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)


class Result(Base):
    """A change of an exercise's result, as it was graded. Grading the same observation again adds one."""

    __tablename__ = "result"
    __table_args__ = (
        UniqueConstraint("observation", "exercise", "content"),
        Index("ix_result_member_exercise", "member_id", "exercise"),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    observation: Mapped[str] = mapped_column(ForeignKey("observation.digest"))
    exercise: Mapped[str] = mapped_column(String(100))
    origin: Mapped[str] = mapped_column(String(20))
    taken: Mapped[datetime]
    received: Mapped[datetime]
    labkit: Mapped[str] = mapped_column(String(50))
    content: Mapped[str] = mapped_column(String(50))
    """The content that graded it (labkit/content/exercises.py: version)."""
    earned: Mapped[int]
    points: Mapped[int]
    checks: Mapped[list[Any]] = mapped_column(JSON)
    """[[check, outcome, diagnosis], …]"""
    begun: Mapped[int] = mapped_column(default=0)
    last: Mapped[int] = mapped_column(default=0)
    """Numbers of lines of the access log (rules/counting.py: Result)."""


class Overruling(Base):
    """A person's word about a mark, with the reason."""

    __tablename__ = "overruling"
    number: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    exercise: Mapped[str] = mapped_column(String(100))
    earned: Mapped[float | None]
    """Null takes an earlier one back."""
    points: Mapped[int | None]
    """What the exercise was worth then; null where that was not kept."""
    reason: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    time: Mapped[datetime]


class Reflection(Base):
    """What a learner wrote, and how it was marked by the rubric; the newest of an exercise counts."""

    __tablename__ = "reflection"
    number: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    exercise: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    time: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(20), default="")
    """Where it was written (records/talk.py); "" where that was not kept."""
    scores: Mapped[list[Any] | None] = mapped_column(JSON)
    """For each line of the rubric whether it is met; null until somebody has read the text."""
    feedback: Mapped[str] = mapped_column(Text, default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    judged: Mapped[datetime | None]


class Hand(Base):
    """A raised hand."""

    __tablename__ = "hand"
    number: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    raised: Mapped[datetime]
    said: Mapped[str] = mapped_column(Text, default="")
    lowered: Mapped[datetime | None]


class Message(Base):
    """A message to one learner, or to all (null)."""

    __tablename__ = "message"
    number: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"), index=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    text: Mapped[str] = mapped_column(Text)
    time: Mapped[datetime]


class Event(Base):
    """The classroom's log: sign-ins and refusals, changes of marks and of the roster."""

    __tablename__ = "event"
    number: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"))
    time: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    address: Mapped[str] = mapped_column(String(60), default="")
    what: Mapped[str] = mapped_column(Text, default="")


class Course(Base):
    """A course of a learning platform that leads here (LTI)."""

    __tablename__ = "lti_course"
    __table_args__ = (UniqueConstraint("workshop_id", "issuer", "client", "context"),)
    number: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"))
    issuer: Mapped[str] = mapped_column(String(500))
    client: Mapped[str] = mapped_column(String(500))
    context: Mapped[str] = mapped_column(String(500))
    """The platform's id of the course."""
    title: Mapped[str] = mapped_column(String(500), default="")
    items: Mapped[str] = mapped_column(Text, default="")
    """Where its line items are listed and made; "" where it tells none."""
    members: Mapped[str] = mapped_column(Text, default="")
    """Where names and roles are."""
    scopes: Mapped[list[Any]] = mapped_column(JSON, default=list)
    whole: Mapped[bool] = mapped_column(default=False)
    """Whether a link leads to the whole workshop: then line items are made for its exercises."""
    seen: Mapped[datetime]


class Column(Base):
    """The line item of an exercise in a platform's course."""

    __tablename__ = "lti_column"
    __table_args__ = (UniqueConstraint("course_number", "exercise"),)
    number: Mapped[int] = mapped_column(primary_key=True)
    course_number: Mapped[int] = mapped_column(ForeignKey("lti_course.number"))
    exercise: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(Text)


class User(Base):
    """Whom a platform means by a member. The first one who is taken for a member stays it: an e-mail address can be changed."""

    __tablename__ = "lti_user"
    __table_args__ = (
        UniqueConstraint("workshop_id", "issuer", "client", "subject"),
        UniqueConstraint("member_id", "issuer", "client"),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    workshop_id: Mapped[int] = mapped_column(ForeignKey("workshop.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    issuer: Mapped[str] = mapped_column(String(500))
    client: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(500))


class Participant(Base):
    """That somebody takes part in a platform's course: marks go there."""

    __tablename__ = "lti_participant"
    course_number: Mapped[int] = mapped_column(ForeignKey("lti_course.number"), primary_key=True)
    user_number: Mapped[int] = mapped_column(ForeignKey("lti_user.number"), primary_key=True)
