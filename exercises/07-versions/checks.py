import contextlib
import re

from labkit.content import facts
from labkit.content.check import check, fail
from labkit.content.facts.deploying import find_service
from labkit.content.facts.history import Version, went
from labkit.content.facts.words import about, short
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.lab import Unobserved
from labkit.seen.log import Action, Event, Reason
from labkit.seen.reference import Reference
from labkit.seen.registries import Registry
from labkit.seen.swarm import Service

NAME, COUNT = "myapp", 3

LABEL = "org.opencontainers.image.version"
"""The label for an image's version (OCI image specification, annotations.md)."""


def old(lab: Scope) -> Reference:
    """myusername/myapp:v1.0.0, or the learner's own name for it."""
    return lab.person.image(NAME)


def new(lab: Scope) -> Reference:
    """myusername/myapp:v1.1.0, or the learner's own name for it."""
    return lab.person.next_image(NAME)


def version(lab: Scope, name: Reference) -> Version:
    return Version(name, lab.registry_of(name).digest(name) or "")


def found_service(lab: Scope) -> Service:
    """The service myapp. Ask first whether there is one (service_exists)."""
    service = find_service(lab, NAME)
    assert service is not None
    return service


@check(
    points=2,
    hints=[
        "The folder 07-versions has the app's source: a Dockerfile and a page. Change the page, then build.",
        "docker build -t gives the image its name. A new version is a new tag; the old one stays where it is.",
        "docker build -t NAMESPACE/REPOSITORY:TAG 07-versions, then docker push NAMESPACE/REPOSITORY:TAG",
    ],
)
def released(lab: Scope) -> str:
    """Docker Hub has the new app as myusername/myapp:v1.1.0, and v1.0.0 is still the first one."""
    seen = facts.is_pushed(lab, new(lab))
    facts.is_pushed(lab, old(lab))
    facts.is_sample(lab, old(lab))
    registry = lab.registry_of(new(lab))
    first, second = (registry.digest(name) or "" for name in (old(lab), new(lab)))
    if registry.fingerprints(first) & registry.fingerprints(second):
        fail("version-same-image", found=f"{short(second)} for both", **about(lab, new(lab)))
    return seen


@check(
    points=1,
    needs=["released"],
    hints=[
        "A tag is outside of the image and can be lost. The image can say its version itself.",
        "The Dockerfile has a line LABEL org.opencontainers.image.version=…. What does it say?",
        'LABEL org.opencontainers.image.version="VERSION", then build and push again',
    ],
)
def labelled(lab: Scope) -> str:
    """The image says its version itself: the label org.opencontainers.image.version is v1.1.0."""
    wanted, registry = new(lab), lab.registry_of(new(lab))
    images = [leaf for leaf in registry.leaves(registry.digest(wanted) or "") if leaf.fingerprint]
    said = images[0].labels.get(LABEL, "")
    if said not in (wanted.tag, wanted.tag.removeprefix("v")):
        fail("version-label", label=LABEL, **about(lab, wanted) | {"expected": wanted.tag, "found": said or "no label"})
    return f"{LABEL}={said}"


@check(
    points=2,
    needs=["released"],
    hints=[
        "docker service ls shows which image the service uses.",
        "You can change a service's image while it runs. With --update-delay 5s you have time to watch.",
        "docker service update --image NAMESPACE/REPOSITORY:TAG --update-delay 5s NAME",
    ],
)
def rolled_out(lab: Scope) -> str:
    """The service myapp was updated from v1.0.0 to v1.1.0, in three replicas."""
    facts.service_exists(lab, NAME, new(lab))
    service, before, after = found_service(lab), version(lab, old(lab)), version(lab, new(lab))
    if went(service, before, after, before) >= COUNT:
        return f"{service.name} ran {before.name.tag}, then {after.name.tag}, and went back"
    if after.is_in(service.image):
        facts.service_image(lab, NAME, after.name)
        facts.service_wants(lab, NAME, COUNT)
        facts.service_runs(lab, NAME, COUNT)
        facts.pages_answer(lab, NAME)
    if went(service, before, after) >= COUNT:
        return f"{service.name} ran {before.name.tag}, then {after.name.tag}"
    told = {"expected": f"{before.name.tag}, then {after.name.tag}", "service": service.name, "image": str(after.name)}
    if after.is_in(service.image):
        fail("version-made-anew", found=service.asked, **told)
    if not before.is_in(service.image):
        facts.service_image(lab, NAME, after.name)
    if any(after.is_in(task.image) for task in service.tasks):
        fail("version-given-up", found=_ends(service, after) or f"{after.name.tag} for a moment", **told)
    fail("version-not-out", found=service.asked, **told)


def _ends(service: Service, after: Version) -> str:
    """Why a task of that version ended, the newest first."""
    ended = [task for task in service.tasks if after.is_in(task.image) and task.error]
    newest = max(ended, key=lambda task: task.since, default=None)
    return f"{newest.error} ({newest.node})" if newest else ""


@check(
    points=2,
    needs=["rolled_out"],
    hints=[
        "The Swarm remembers what the service was before its last update.",
        "One command brings that back. Or update to the old version: the old tag is still there.",
        "docker service rollback NAME",
    ],
)
def rolled_back(lab: Scope) -> str:
    """After v1.1.0 the service myapp ran v1.0.0 again, in three replicas."""
    service, before, after = found_service(lab), version(lab, old(lab)), version(lab, new(lab))
    if went(service, before, after, before) >= COUNT:
        return f"{service.name} ran {before.name.tag} again after {after.name.tag}"
    if before.is_in(service.image):
        facts.service_runs(lab, NAME, COUNT)
    told = {"expected": f"{after.name.tag}, then {before.name.tag}", "found": service.asked}
    fail("version-not-back", service=service.name, tag=before.name.tag, **told)


@check(
    points=2,
    needs=["released"],
    hints=[
        "A tag moves when you push another image under the same name. latest is the usual one.",
        "Push v1.0.0 as latest and pull latest on worker1. Then push v1.1.0 as latest and pull latest on worker2.",
        "docker tag NAME:VERSION NAME:latest, docker push NAME:latest, docker --context MACHINE pull NAME:latest",
    ],
)
def moved(lab: Scope) -> str:
    """One tag brought two different images: it was moved between two pulls."""
    registry, repository = lab.registry_of(new(lab)), new(lab).repository
    brought = _contents(lab, registry, [*_pulled(lab, registry, repository), *_ran_as(lab, new(lab))])
    pushed = _contents(lab, registry, [(event.reference, event.digest) for event in _pushes(lab, registry, repository)])
    if two := _moved(brought):
        return f"{two[0]} brought {len(brought[two[0]])} images"
    told = {"expected": "one tag, two images", "repository": new(lab).name}
    if tags := _moved(pushed):
        found = f"{tags[0]} was moved, and {'pulled once' if tags[0] in brought else 'never pulled'}"
        fail("tag-moved-unseen", found=found, tag=tags[0], **told)
    fail("tag-not-moved", found=sorted(brought) or "no pull of a tag", **told)


def _contents(lab: Scope, registry: Registry, named: list[tuple[str, str]]) -> dict[str, set[str]]:
    """{tag: what was in the images with these digests}: an image that is packed in another way is still the same one. What has
    lost its tag, the machines that pulled it know."""
    held: dict[str, str] = {}
    for machine in lab.machines:
        with contextlib.suppress(Unobserved):
            images = lab.engine(machine).images
            held |= {name.partition("@")[2]: image.fingerprint for image in images for name in image.digests}
    found: dict[str, set[str]] = {}
    for tag, digest in named:
        content = min(registry.fingerprints(digest), default=held.get(digest, digest))
        found.setdefault(tag, set()).add(content)
    return found


def _moved(contents: dict[str, set[str]]) -> list[str]:
    """The tags that had two images."""
    return sorted(tag for tag, held in contents.items() if len(held) > 1)


def _pulled(lab: Scope, registry: Registry, repository: str) -> list[tuple[str, str]]:
    """(tag, digest) of each pull by tag: a person's, and those of nodes that looked a tag up for themselves."""
    pulls = lab.pulls(registry, repository)
    nodes = [event for event in _events(lab, registry, repository, Action.HEAD) if event.ok and not event.by_person]
    return [(event.reference, event.digest) for event in (*pulls, *nodes) if event.reference != event.digest]


def _ran_as(lab: Scope, wanted: Reference) -> list[tuple[str, str]]:
    """(tag, digest) of each task of the repository: a service's update looks its tag up again."""
    tasks = [task for service in lab.swarm.services.values() for task in service.tasks]
    images = [found for task in tasks if (found := reference.parse(task.image)) and found.same_repository(wanted)]
    return [(image.tag, image.digest) for image in images if image.tag and image.digest]


def _pushes(lab: Scope, registry: Registry, repository: str) -> list[Event]:
    return [event for event in _events(lab, registry, repository, Action.PUSH) if event.ok]


def _events(lab: Scope, registry: Registry, repository: str, action: Action) -> list[Event]:
    here = [event for event in lab.since if event.registry == registry.key and event.repository == repository]
    return [event for event in here if event.action == action]


@check(
    points=2,
    needs=["released"],
    hints=[
        "docker push printed the digest of v1.1.0. docker image inspect tells it again, under RepoDigests.",
        "An image's name by digest has no tag: NAMESPACE/REPOSITORY@sha256:…",
        "docker service update --image NAMESPACE/REPOSITORY@DIGEST NAME",
    ],
)
def by_digest(lab: Scope) -> str:
    """The service myapp runs v1.1.0 by its digest, without a tag, in three replicas."""
    wanted = new(lab)
    facts.service_exists(lab, NAME, wanted)
    service, registry = found_service(lab), lab.registry_of(wanted)
    asked, digest = reference.parse(service.image), registry.digest(wanted) or ""
    expected = wanted.at(digest)
    if asked != expected:
        values = {"service": service.name, "tag": wanted.tag, "expected": str(expected), "found": service.image}
        if asked and asked.same_repository(wanted) and not asked.tag and asked.digest:
            fail("digest-other", **values)
        if asked and asked.same_repository(wanted) and asked.tag and asked.digest in (digest, ""):
            fail("digest-behind-a-tag", **values)
        fail("digest-not-deployed", **values)
    facts.service_wants(lab, NAME, COUNT)
    where = facts.service_runs(lab, NAME, COUNT)
    return f"{service.image}: {where}; {facts.pages_answer(lab, NAME)}"


@check(
    points=2,
    needs=["released"],
    hints=[
        "Docker Hub can hold a repository's tags in place. In this lab, labkit immutable switches that on.",
        "Then change the page, build it as v1.1.0 once more, and push it.",
        "labkit immutable NAMESPACE/REPOSITORY --on, docker build -t NAMESPACE/REPOSITORY:TAG FOLDER, docker push …",
    ],
)
def refused(lab: Scope) -> str:
    """Docker Hub refused to move a version, and the repository's versions are immutable."""
    registry, versions = lab.registry_of(new(lab)), (old(lab).tag, new(lab).tag)
    pushes = _events(lab, registry, new(lab).repository, Action.PUSH)
    kept = [event for event in pushes if event.reason == Reason.IMMUTABLE]
    told = {"expected": f"a refused push of {new(lab).tag}", "repository": new(lab).name, "tag": new(lab).tag}
    if mine := [event for event in kept if event.reference in versions]:
        if free := [tag for tag in versions if not _is_held(registry, new(lab).repository, tag)]:
            fail("immutable-let-go", **told | {"expected": "immutable versions", "found": free})
        return f"{mine[-1].reference} stayed where it is (line {mine[-1].seq} of the access log)"
    if kept:
        fail("immutable-other-tag", found=sorted({event.reference for event in kept}), **told)
    brought = {tag: {event.digest for event in pushes if event.ok and event.reference == tag} for tag in versions}
    if twice := [tag for tag, digests in brought.items() if len(digests) > 1]:
        fail("immutable-off", found=twice, **told)
    fail("immutable-not-met", found="no such push", **told)


def _is_held(registry: Registry, repository: str, tag: str) -> bool:
    """Whether the repository's tag is immutable. A pattern that Python cannot read holds nothing."""
    with contextlib.suppress(re.error):
        return any(re.search(pattern, tag) for pattern in registry.immutable.get(repository, ()))
    return False


@check(
    points=1,
    hints=[
        "The three numbers of a version say what a change means for those who use the app.",
        "Read the part about numbers again, and the one about what a tag and a digest are good for.",
        'answer("07-versions", QUESTION="LETTER", …). Try as often as you like.',
    ],
)
def quiz(lab: Scope) -> str:
    """You answered the three questions."""
    return facts.answered(lab)
