"""What a platform says when somebody opens the tool there: as plain values. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.classroom.gradebook import Ids, Learner

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"

LEARNER, INSTRUCTOR, ASSISTANT = "learner", "instructor", "assistant"

SCORE, LINEITEM, MEMBERS = f"{AGS}scope/score", f"{AGS}scope/lineitem", f"{NRPS}scope/contextmembership.readonly"

LONGEST = 200
"""Characters of a name. Platforms allow more than a board can show."""


@dataclass(frozen=True)
class Launch:
    """One opening of the tool, from a message that was checked."""

    issuer: str
    client: str
    deployment: str
    subject: str
    """The learner's id there. Together with `issuer` it is always the same person."""
    name: str
    email: str
    sis: str
    """The school's number of the learner, or ""."""
    username: str
    """By which they sign in there, or ""."""
    roles: frozenset[str]
    """Of LEARNER, INSTRUCTOR, ASSISTANT: in this course, not in the institution."""
    context: str
    """The course."""
    title: str
    """The course's."""
    link: str
    """The link in the course that was opened."""
    exercise: str
    """What that link is for: `exercise` of its custom parameters, or ""."""
    items: str = ""
    """Where line items are listed and made, or ""."""
    item: str = ""
    """This link's own line item, or ""."""
    scopes: frozenset[str] = frozenset()
    """What the tool may do with line items."""
    members: str = ""
    """Where names and roles are, or ""."""
    deep: Mapping[str, Any] | None = None
    """With a teacher who chooses what the link is for: how to answer."""

    @property
    def teaches(self) -> bool:
        return bool(self.roles & {INSTRUCTOR, ASSISTANT})

    @property
    def learner(self) -> Learner:
        ids = Ids(issuer=self.issuer, subject=self.subject, sis_user=self.sis, username=self.username)
        return Learner(id=self.subject, name=self.name, email=self.email, ids=ids)

    @property
    def course(self) -> "Course":
        return Course(
            issuer=self.issuer,
            client=self.client,
            context=self.context,
            title=self.title,
            items=self.items,
            members=self.members,
            scopes=self.scopes,
            whole=not self.exercise,
        )


@dataclass(frozen=True)
class Course:
    """A course there, and what it lets the tool do."""

    issuer: str
    client: str
    context: str
    title: str = ""
    items: str = ""
    members: str = ""
    scopes: frozenset[str] = frozenset()
    whole: bool = False
    """Whether a link leads to the whole workshop."""


def read(claims: Mapping[str, Any]) -> Launch:
    """Raises ValueError for claims that no platform sends."""
    context, link = _object(claims, f"{LTI}context"), _object(claims, f"{LTI}resource_link")
    ags, nrps = _object(claims, f"{AGS}claim/endpoint"), _object(claims, f"{NRPS}claim/namesroleservice")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ValueError("it names nobody")
    custom, audience = _object(claims, f"{LTI}custom"), claims.get("aud")
    return Launch(
        issuer=_text(claims, "iss"),
        client=str(audience[0]) if isinstance(audience, list) else str(audience),
        deployment=_text(claims, f"{LTI}deployment_id"),
        subject=subject,
        name=_named(claims),
        email=_text(claims, "email"),
        sis=_text(_object(claims, f"{LTI}lis"), "person_sourcedid"),
        username=_text(custom, "username") or _text(_object(claims, f"{LTI}ext"), "user_username"),
        roles=roles(claims.get(f"{LTI}roles")),
        context=_text(context, "id"),
        title=_text(context, "title"),
        link=_text(link, "id"),
        exercise=_text(custom, "exercise"),
        items=_text(ags, "lineitems"),
        item=_text(ags, "lineitem"),
        scopes=frozenset(one for one in _list(ags, "scope") if isinstance(one, str)),
        members=_text(nrps, "context_memberships_url"),
        deep=_object(claims, f"{DEEP}deep_linking_settings") or None,
    )


def roles(told: Any) -> frozenset[str]:
    """The roles in the course. Roles in the institution or the system do not count: an administrator is no teacher here. What
    stands first says what somebody is (`membership/ROLE#SUBROLE`): a teaching assistant is no teacher
    (`Instructor#TeachingAssistant`), and a teacher who takes the course is a learner of it (`Learner#Instructor`)."""
    found = set()
    for role in told if isinstance(told, list) else ():
        if not isinstance(role, str):
            continue
        name = role.removeprefix(MEMBERSHIP)
        if "://" in name or name.startswith("urn:"):
            continue
        whole, _, part = name.lstrip("#/").replace("#", "/").partition("/")
        if whole == "TeachingAssistant" or (whole == "Instructor" and part.startswith("TeachingAssistant")):
            found.add(ASSISTANT)
        elif whole == "Instructor":
            found.add(INSTRUCTOR)
        elif whole == "Learner":
            found.add(LEARNER)
    return frozenset(found)


def people(members: Iterable[Mapping[str, Any]], issuer: str) -> tuple[Learner, ...]:
    """The learners among a course's members, who are there now, each once."""
    found = {}
    for member in members:
        subject = member.get("user_id")
        here = member.get("status", "Active") == "Active"
        held = roles(member.get("roles"))
        if isinstance(subject, str) and subject and here and LEARNER in held and not held & {INSTRUCTOR, ASSISTANT}:
            ids = Ids(
                issuer=issuer,
                subject=subject,
                sis_user=_text(member, "lis_person_sourcedid"),
                username=_text(member, "ext_user_username"),
            )
            found[subject] = Learner(id=subject, name=_named(member), email=_text(member, "email"), ids=ids)
    return tuple(found.values())


def _named(told: Mapping[str, Any]) -> str:
    """Platforms may tell the name whole, in parts, or, where the course hides names, not at all."""
    parts = " ".join(filter(None, (_text(told, "given_name"), _text(told, "family_name"))))
    return (_text(told, "name") or parts)[:LONGEST]


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _list(told: Mapping[str, Any], name: str) -> list[Any]:
    found = told.get(name)
    return found if isinstance(found, list) else []


def _text(told: Mapping[str, Any], name: str) -> str:
    found = told.get(name)
    return found if isinstance(found, str) else ""
