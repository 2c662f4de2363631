from collections import Counter
from collections.abc import Iterable

from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.facts.pushing import signed_in_after
from labkit.content.facts.words import about, login, short
from labkit.content.scope import Scope
from labkit.seen.log import Action, Event
from labkit.seen.reference import LATEST, Reference
from labkit.seen.registries import Registry

ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

PLACES = {
    "Docker Hub": ("docker.io", "{user}/myapp"),
    "registry.lab:5000": ("registry.lab:5000", "{user}/myapp"),
    "Harbor": ("harbor.lab", "myproject/myapp"),
    "Nexus": ("nexus.lab:8082", "myapp"),
    "Amazon ECR": (ECR, "myapp"),
    "Azure Container Registry": ("myregistry.azurecr.io", "myapp"),
    "Artifact Registry": ("europe-west1-docker.pkg.dev", "my-project/my-repository/myapp"),
}
"""{registry: its address, and the repository there}"""

GROUP = "nexus.lab:8083"
"""Nexus' other port, which takes no pushes."""

NO_PLACE = ("no-such-repository", "no-such-project")
"""Why a registry refuses what is pushed to a place that is not there."""

NEEDS_PLACE = {"harbor": "Harbor", "ecr": "Amazon ECR", "artifact": "Artifact Registry"}
"""The registries where somebody must make a place first."""

LOCKED = "locked"
FIXED = ("immutable", LOCKED)
"""Why a registry refuses another image under a tag."""

EXPIRED = "expired"
WORDS = 40
"""The reasons need at least this many words."""

EVERY = ["in_hub", "in_private", "in_harbor", "in_nexus", "in_ecr", "in_acr", "in_artifact"]


def wanted(lab: Scope, place: str) -> Reference:
    """The name that the sample app has in this registry, with the learner's own user name and version."""
    host, repository = PLACES[place]
    return Reference(host, repository.format(user=lab.person.username), lab.person.version)


def stands(lab: Scope, place: str) -> str:
    """The registry has the sample app under its name, by a push."""
    name = wanted(lab, place)
    registry = lab.registry_at(name.registry)
    if registry is None or registry.digest(name) is None:
        is_missing(lab, place, registry)
    facts.is_sound(lab, name)
    return facts.is_sample(lab, name)


def is_missing(lab: Scope, place: str, registry: Registry | None) -> None:
    """Says why the registry does not have the name. One that nobody has used yet is not seen at all."""
    name = wanted(lab, place)
    if registry is None:
        where = [GROUP] if place == "Nexus" and lab.registry_at(GROUP) else []
        is_refused(lab, name, place, where)
        fail("registries-unused", expected=str(name), found="nothing", registry=place)
    values = about(lab, name)
    tags = registry.tags(name.repository)
    if tags == [LATEST]:
        fail("push-latest-only", found=tags, **{**values, "expected": name.version})
    if tags:
        fail("push-other-tag", found=tags, **{**values, "expected": name.version})
    is_refused(lab, name, place, [registry.host, *([GROUP] if place == "Nexus" else [])])
    held = [registry.name(other) for other in sorted(registry.repositories) if other not in registry.seeded]
    if aside := [other for other in held if other.endswith(f"/{name.app}")]:
        fail("registries-aside", found=aside, **values)
    fail("registries-unused", expected=str(name), found=held or "nothing", registry=place)


def is_refused(lab: Scope, name: Reference, place: str, hosts: Iterable[str]) -> None:
    """Says why the last push to one of these addresses was refused, if it was."""
    keys = {at.key: at.host for host in hosts if (at := lab.registry_at(host))}
    asked = [event for event in lab.since if event.registry in keys and event.action in (Action.PUSH, Action.LOGIN)]
    if not asked or asked[-1].ok:
        asked = [event for event in asked if event.action == Action.PUSH]
    if not asked or asked[-1].ok:
        return
    last = asked[-1]
    host = keys[last.registry]
    pushed = f"{host}/{last.repository}"
    found = f"a push to {pushed}, refused" if last.repository else f"a sign-in at {host}, refused"
    values = {"expected": str(name), "found": found, "registry": place, "repository": pushed, "user": last.user or ""}
    values["login"] = login(host)
    if host == GROUP:
        fail("registries-group", **values)
    if last.reason in NO_PLACE:
        fail("registries-no-place", **values)
    if last.reason == EXPIRED:
        fail("registries-expired", **values)
    if last.action == Action.LOGIN:
        fail("registries-sign-in", **values)
    if last.user is None:
        fail("push-before-sign-in" if signed_in_after(lab.since, last) else "push-not-signed-in", **values)
    if last.reason == "no-namespace":
        fail("registries-short-name", **values)
    fail("registries-refused", **values)


@check(
    points=1,
    hints=["Docker Hub's names have no address.", "As in exercise 03.", "docker push myusername/myapp:v1.0.0"],
)
def in_hub(lab: Scope) -> str:
    """Docker Hub has myusername/myapp:v1.0.0."""
    return stands(lab, "Docker Hub")


@check(
    points=1,
    hints=[
        "The address comes first in the name, with its port.",
        "docker tag, docker login registry.lab:5000, docker push",
        "docker push registry.lab:5000/myusername/myapp:v1.0.0",
    ],
)
def in_private(lab: Scope) -> str:
    """The registry of your own has registry.lab:5000/myusername/myapp:v1.0.0."""
    return stands(lab, "registry.lab:5000")


@check(
    points=1,
    hints=[
        "Harbor wants a project first.",
        "Make the project myproject by Harbor's API, with curl, as the lesson shows.",
        "docker push harbor.lab/myproject/myapp:v1.0.0",
    ],
)
def in_harbor(lab: Scope) -> str:
    """Harbor has harbor.lab/myproject/myapp:v1.0.0."""
    return stands(lab, "Harbor")


@check(
    points=1,
    hints=[
        "In Nexus, the port says which repository you mean.",
        "8082 takes pushes. Sign in at this port.",
        "docker push nexus.lab:8082/myapp:v1.0.0",
    ],
)
def in_nexus(lab: Scope) -> str:
    """Nexus has nexus.lab:8082/myapp:v1.0.0."""
    return stands(lab, "Nexus")


@check(
    points=1,
    hints=[
        "Amazon ECR wants the repository first, and a token to sign in.",
        "aws ecr create-repository, aws ecr get-login-password",
        f"docker push {ECR}/myapp:v1.0.0",
    ],
)
def in_ecr(lab: Scope) -> str:
    """Amazon ECR has 123456789012.dkr.ecr.eu-central-1.amazonaws.com/myapp:v1.0.0."""
    return stands(lab, "Amazon ECR")


@check(
    points=1,
    hints=[
        "az signs docker in for you.",
        "az acr login -n myregistry",
        "docker push myregistry.azurecr.io/myapp:v1.0.0",
    ],
)
def in_acr(lab: Scope) -> str:
    """Azure Container Registry has myregistry.azurecr.io/myapp:v1.0.0."""
    return stands(lab, "Azure Container Registry")


@check(
    points=1,
    hints=[
        "A name there has three parts: project, repository, image.",
        "gcloud artifacts repositories create, gcloud auth print-access-token",
        "docker push europe-west1-docker.pkg.dev/my-project/my-repository/myapp:v1.0.0",
    ],
)
def in_artifact(lab: Scope) -> str:
    """Artifact Registry has europe-west1-docker.pkg.dev/my-project/my-repository/myapp:v1.0.0."""
    return stands(lab, "Artifact Registry")


@check(
    points=2,
    needs=EVERY,
    hints=[
        "docker push prints the digest in its last line. Is it the same each time?",
        "Tag the same image for each registry. Do not build it again in between.",
        "docker tag myapp:latest NAME, then docker push NAME",
    ],
)
def same_digest(lab: Scope) -> str:
    """All seven registries have the same digest under this tag."""
    digests = {place: lab.registry_of(name).digest(name) or "" for place in PLACES if (name := wanted(lab, place))}
    most, _ = Counter(digests.values()).most_common(1)[0]
    others = {place: digest for place, digest in digests.items() if digest != most}
    if not others:
        return f"{len(digests)} registries have {most}"
    first = next(place for place, digest in digests.items() if digest == most)
    images = lab.registry_of(wanted(lab, first)).fingerprints
    rebuilt = [place for place, digest in others.items() if not images(most) & images(digest)]
    found = "; ".join(f"{place}: {short(digest)}" for place, digest in others.items())
    values = {"expected": f"{short(most)}, as {first} has it", "found": found, "digest": short(most)}
    if rebuilt:
        fail("registries-rebuilt", **values, places=", ".join(rebuilt))
    other = str(wanted(lab, next(iter(others))))
    fail("registries-repacked", **values, places=", ".join(others), source=str(wanted(lab, first)), target=other)


@check(
    points=2,
    hints=[
        "Which three registries want somebody to make a place for the image first?",
        "Push before you make the place, or push to a project or a repository that nobody has made.",
        "docker push harbor.lab/nosuch/myapp:v1.0.0, and the like at Amazon ECR and Artifact Registry",
    ],
)
def no_place(lab: Scope) -> str:
    """You have seen how Harbor, Amazon ECR and Artifact Registry refuse a push to a place that is not there."""
    refused = {event.registry: event for event in pushes(lab) if not event.ok and event.reason in NO_PLACE}
    missing = [title for key, title in NEEDS_PLACE.items() if key not in refused]
    if missing:
        seen = [title for key, title in NEEDS_PLACE.items() if key in refused]
        values = {"expected": list(NEEDS_PLACE.values()), "found": seen or "no such refusal"}
        fail("registries-not-refused", **values, missing=", ".join(missing))
    return ", ".join(
        f"line {event.seq} of the access log" for event in sorted(refused.values(), key=lambda event: event.seq)
    )


def pushes(lab: Scope) -> list[Event]:
    return [event for event in lab.since if event.action == Action.PUSH]


@check(
    points=1,
    hints=[
        "You need not wait for twelve hours.",
        "labkit expire ecr makes the time pass. Push, read the refusal, then sign in again.",
        "aws ecr get-login-password | docker login --username AWS --password-stdin ADDRESS",
    ],
)
def expired(lab: Scope) -> str:
    """Amazon ECR refused your token, which had expired, and you signed in again."""
    ecr = lab.registry_at(ECR)
    mine = [event for event in lab.since if ecr is not None and event.registry == ecr.key]
    refused = [event for event in mine if not event.ok and event.reason == EXPIRED]
    if not refused:
        fail("registries-not-expired", expected="a token that had expired, refused", found="no such refusal")
    again = [event for event in mine if event.ok and event.action == Action.LOGIN and event.seq > refused[-1].seq]
    if not again:
        found = f"the refusal in line {refused[-1].seq} of the access log, and no sign-in after it"
        fail("registries-still-expired", expected="a new sign-in at Amazon ECR", found=found)
    return f"refused in line {refused[-1].seq} of the access log, signed in again in line {again[0].seq}"


@check(
    points=1,
    hints=[
        "At most registries, you can forbid that somebody moves a tag.",
        "At Amazon ECR: aws ecr put-image-tag-mutability. Then push another image under the same tag.",
        "docker tag busybox ADDRESS/myapp:v1.0.0, docker push ADDRESS/myapp:v1.0.0",
    ],
)
def immutable(lab: Scope) -> str:
    """A registry refused a push over a tag that it has: its tags are immutable."""
    refused = [event for event in pushes(lab) if not event.ok and event.reason in FIXED]
    if over := [event for event in refused if _had_tag(lab, event)]:
        last = over[-1]
        named = f"{last.repository}:{last.reference}" if last.reference else last.repository
        where = f"{lab.registries[last.registry].title} refused a push to {named}"
        return f"{where} (line {last.seq} of the access log)"
    if refused:
        found = f"a push to {refused[-1].repository}:{refused[-1].reference}, refused; the registry had no such tag"
        fail("registries-new-tag", expected="a refusal of a push over a tag that is there", found=found)
    moved = [event for event in pushes(lab) if event.ok and _was_other(lab, event)]
    if moved:
        last = moved[-1]
        found = f"{last.repository}:{last.reference} was moved to another image"
        fail("registries-moved", expected="a refusal", found=found, registry=lab.registries[last.registry].title)
    fail("registries-not-immutable", expected="a refusal", found="no push over a tag that is immutable")


def _had_tag(lab: Scope, refused: Event) -> bool:
    """Whether the registry had the tag. One that calls a tag immutable says so itself, and the image that the push carried does
    not matter: a registry that refuses the same image again (Amazon ECR) refuses every other. A lock refuses new tags too."""
    if refused.reason != LOCKED:
        return True
    there = (refused.registry, refused.repository)
    before = [event for event in pushes(lab) if event.ok and event.seq < refused.seq]
    had = {event.reference for event in before if (event.registry, event.repository) == there}
    had |= set(lab.registries[refused.registry].tags(refused.repository))
    # With new layers docker is refused before it has named the tag.
    return refused.reference in had if refused.reference else bool(had)


def _was_other(lab: Scope, push: Event) -> bool:
    """Whether the tag that was pushed led to another digest before."""
    same = (push.registry, push.repository, push.reference)
    before = [event for event in pushes(lab) if event.ok and event.seq < push.seq]
    return any(
        (event.registry, event.repository, event.reference) == same and event.digest != push.digest for event in before
    )


TABLE = "Fill in the column under Questions in the panel, or with labkit answer 11-registries."


@check(points=1, hints=["Who would you ask if it were down?", TABLE])
def runs(lab: Scope) -> str:
    """The table says who runs each registry."""
    return facts.matched(lab, "runs")


@check(points=1, hints=["What did you type for a password at each of them?", TABLE])
def signs_in(lab: Scope) -> str:
    """The table says how one signs in to each registry, and for how long."""
    return facts.matched(lab, "signs-in")


@check(points=1, hints=["Where was your first push refused?", TABLE])
def exists(lab: Scope) -> str:
    """The table says what must be there before the first push."""
    return facts.matched(lab, "exists")


@check(points=1, hints=["Look for the word immutable in the lesson.", TABLE])
def tags(lab: Scope) -> str:
    """The table says how tags become immutable."""
    return facts.matched(lab, "tags")


@check(points=1, hints=["Each section of the lesson ends with it.", TABLE])
def cleaned(lab: Scope) -> str:
    """The table says how each registry is cleaned."""
    return facts.matched(lab, "cleaned")


@check(points=1, hints=["Each section of the lesson ends with it.", TABLE])
def limits(lab: Scope) -> str:
    """The table says what limits each registry has."""
    return facts.matched(lab, "limits")


@check(points=1, hints=["Which row of your table has what the team needs?", TABLE])
def teams(lab: Scope) -> str:
    """You chose a registry for each of the four teams."""
    return facts.matched(lab, "teams")


@check(
    points=1,
    hints=[
        "What does the team need that only few registries have? What would it pay for that?",
        "Name the registry that comes second, and why it does not come first.",
        'labkit answer 11-registries reflection="…", with 40 words or more',
    ],
)
def reasons(lab: Scope) -> str:
    """You wrote why, for one of the teams."""
    return facts.written(lab, WORDS)
