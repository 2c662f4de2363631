"""An image's name in a registry."""

from collections.abc import Iterable

from labkit.content.check import fail
from labkit.content.facts.words import about, near, short
from labkit.content.scope import Scope
from labkit.seen.log import Action, Event
from labkit.seen.reference import LATEST, Reference
from labkit.seen.registries import Registry

SAMPLE = Reference.parse("myapp:latest")
"""The name of the sample app, which comes with the lab."""


def is_pushed(lab: Scope, wanted: Reference) -> str:
    """The registry has this name and tag, it is an image, and it got there by a push."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    if registry.digest(wanted):
        return is_sound(lab, wanted)
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


def is_sound(lab: Scope, wanted: Reference) -> str:
    """What the registry has under this name came by a push, and is an image."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    digest = registry.digest(wanted)
    assert digest is not None  # whoever asks has looked
    if lab.whole and not _came_by_push(lab, registry, wanted, digest):
        fail("push-not-by-push", found=f"{short(digest)}, and no push of it in the log", **values)
    if not registry.fingerprints(digest):
        kind = registry.manifests[digest].kind if digest in registry.manifests else "unknown"
        lost = "parts of it are missing from the registry"
        found = lost if kind == "incomplete" else f"{kind}, without layers that can run"
        fail("push-not-image", found=found, **values)
    return f"{wanted} is {digest} in {registry.title}"


def _came_by_push(lab: Scope, registry: Registry, wanted: Reference, digest: str) -> bool:
    """Whether this is what was last pushed under this tag. Every tag comes from a push; anything else was put into the store
    behind the registry's back."""
    pushes = [event for event in lab.events_of(registry) if event.action == Action.PUSH and event.ok]
    names = (wanted.version, wanted.digest)
    here = [event for event in pushes if event.repository == wanted.repository and event.reference in names]
    return [event.digest for event in here[-1:]] == [digest]


def _explain_refusal(lab: Scope, wanted: Reference, registry: Registry) -> None:
    """Says why the last push to the registry was refused, if it was."""
    pushes = [event for event in lab.since if event.registry == registry.key and event.action == Action.PUSH]
    if not pushes or pushes[-1].ok:
        return
    last = pushes[-1]
    pushed = Reference(registry.host, last.repository)
    values = about(lab, wanted) | {"repository": pushed.name, "found": f"a push to {pushed.name} was refused"}
    if "/" not in pushed.name:  # docker hides library/; the registry does not
        fail("push-no-namespace", **values | {"repository": last.repository})
    if last.user is None:
        fail("push-before-sign-in" if signed_in_after(lab.since, last) else "push-not-signed-in", **values)
    fail("push-other-namespace", **values, user=last.user)


def signed_in_after(events: Iterable[Event], refused: Event) -> bool:
    """Whether a sign-in at the registry that refused this has worked since then."""
    logins = (event for event in events if event.action == Action.LOGIN and event.registry == refused.registry)
    return any(login.ok and login.seq > refused.seq for login in logins)


def is_same_image(lab: Scope, wanted: Reference) -> str:
    """The registry and the workstation have the same image under this name, if the workstation still has it."""
    registry = lab.registry_of(wanted)
    digest = registry.digest(wanted)
    assert digest is not None  # is_pushed comes first
    local = lab.workstation.image(wanted)
    if local is not None and local.fingerprint not in registry.fingerprints(digest):
        found = f"{registry.title}: {_ids(registry, digest)}; workstation: {short(local.id)}"
        fail("push-stale", found=found, **about(lab, wanted))
    return f"{wanted} is {digest}"


def is_sample(lab: Scope, wanted: Reference) -> str:
    """The registry has the sample app under this name: as it came with the lab, or as myapp:latest is now."""
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
