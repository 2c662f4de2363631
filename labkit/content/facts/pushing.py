"""An image's name in a registry."""

from labkit.content.check import fail
from labkit.content.facts.words import about, near, short
from labkit.content.scope import Scope
from labkit.seen.log import Action
from labkit.seen.reference import LATEST, Reference
from labkit.seen.registries import Registry

SAMPLE = Reference.parse("myapp:latest")
"""The name of the sample app, which the lab brings along."""


def is_pushed(lab: Scope, wanted: Reference) -> str:
    """The registry has this name with this tag, it is an image, and it came there by a push."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    digest = registry.digest(wanted)
    if digest:
        if lab.whole and not _came_by_push(lab, registry, wanted, digest):
            fail("push-not-by-push", found=f"{short(digest)}, of which the log knows no push", **values)
        if not registry.fingerprints(digest):
            kind = registry.manifests[digest].kind if digest in registry.manifests else "unknown"
            lost = "parts of it are gone from the registry"
            found = lost if kind == "incomplete" else f"{kind} without layers that run"
            fail("push-not-image", found=found, **values)
        return f"{wanted} is {digest} in {registry.title}"
    tags = registry.tags(wanted.repository)
    if tags == [LATEST]:
        fail("push-latest-only", found=tags, **{**values, "expected": wanted.version})
    if tags:
        fail("push-other-tag", found=tags, **{**values, "expected": wanted.version})
    _explain_refusal(lab, wanted, registry)
    for other in lab.registries.values():
        if other.key != registry.key and (other.tags(wanted.repository) or other.tags(wanted.app)):
            expected = f"{registry.title}: {wanted}"
            fail("push-other-registry", found=other.title, **{**values, "expected": expected})
    others = [registry.name(name) for name in registry.repositories if name not in registry.seeded]
    if typo := near(wanted.name, others):
        fail("push-typo", found=typo, **{**values, "expected": wanted.name})
    fail("push-none", found=others, **values)


def _came_by_push(lab: Scope, registry: Registry, wanted: Reference, digest: str) -> bool:
    """Whether this is what was last pushed under this tag. Each tag comes of a push: what lies in a store without one
    was put there past the registry."""
    pushes = [event for event in lab.events_of(registry) if event.action == Action.PUSH and event.ok]
    names = (wanted.version, wanted.digest)
    here = [event for event in pushes if event.repository == wanted.repository and event.reference in names]
    return [event.digest for event in here[-1:]] == [digest]


def _explain_refusal(lab: Scope, wanted: Reference, registry: Registry) -> None:
    """Tells why the last push to the registry was refused, if it was."""
    pushes = [event for event in lab.since if event.registry == registry.key and event.action == Action.PUSH]
    if not pushes or pushes[-1].ok:
        return
    last = pushes[-1]
    pushed = Reference(registry.host, last.repository)
    values = about(lab, wanted) | {"repository": pushed.name, "found": f"a push to {pushed.name} was refused"}
    if "/" not in pushed.name:  # docker shows no library/; the registry does
        fail("push-no-namespace", **values | {"repository": last.repository})
    if last.user is None:
        fail("push-not-signed-in", **values)
    fail("push-other-namespace", **values, user=last.user)


def is_same_image(lab: Scope, wanted: Reference) -> str:
    """What the registry holds under this name is what the workstation has under it, where it still has it."""
    registry = lab.registry_of(wanted)
    digest = registry.digest(wanted)
    assert digest is not None  # is_pushed comes first
    local = lab.workstation.image(wanted)
    if local is not None and local.fingerprint not in registry.fingerprints(digest):
        found = f"{registry.title}: {_ids(registry, digest)}; workstation: {short(local.id)}"
        fail("push-stale", found=found, **about(lab, wanted))
    return f"{wanted} is {digest}"


def is_sample(lab: Scope, wanted: Reference) -> str:
    """What the registry holds under this name is the sample app: as the lab brought it, or as myapp:latest is now."""
    registry = lab.registry_of(wanted)
    digest = registry.digest(wanted)
    assert digest is not None  # is_pushed comes first
    local = lab.workstation.image(SAMPLE)
    held = registry.fingerprints(digest)
    if lab.sample not in held and (local is None or local.fingerprint not in held):
        fail("push-other-image", found=_ids(registry, digest), **about(lab, wanted))
    return f"{wanted} is {digest}"


def _ids(registry: Registry, digest: str) -> str:
    return ", ".join(sorted(map(short, registry.image_ids(digest))))
