"""Who pulled what from a registry, by its access log, and whether a machine got its image that way."""

from labkit.content.check import fail
from labkit.content.facts.words import about, short
from labkit.content.scope import Scope
from labkit.seen.log import Action, Event
from labkit.seen.reference import Reference
from labkit.seen.registries import Registry


def pulls_of(lab: Scope, wanted: Reference) -> list[Event]:
    """Pulls of this tag (or of its digest) by a person since the exercise began. A pull counts only if the log and the engines
    agree that an image was downloaded."""
    return [pull for pull in _asked(lab, wanted) if _came_of_it(lab, wanted, pull)]


def _asked(lab: Scope, wanted: Reference) -> list[Event]:
    registry = lab.registry_of(wanted)
    names = (wanted.version, registry.digest(wanted))
    return [pull for pull in lab.pulls(registry, wanted.repository) if pull.reference in names]


def _came_of_it(lab: Scope, wanted: Reference, pull: Event) -> bool:
    """Whether a request that looks like a pull brought an image.

    Anyone can ask for a manifest, under any client's name. An engine that really pulls goes on: it downloads the config and
    the layers that it does not have (moby, distribution/pull_v2.go: pullSchema2). If it has all of them, that counts too: then
    the machine had the image before. It pushed it, or it has it now under the requested tag and no other pull brought it
    later. Other tools download layers every time.
    """
    registry = lab.registry_of(wanted)
    leaves = registry.leaves(pull.digest)
    if not registry.image_ids(pull.digest):
        return True  # the tag was pushed again since then: nobody knows what it pointed at
    source = (registry.key, pull.machine, Action.BLOB)
    blobs = [event for event in lab.since if (event.registry, event.machine, event.action) == source and event.ok]
    later = [event for event in blobs if event.seq > pull.seq]
    mine = {event.digest for event in later if event.agent == pull.agent}
    if not pull.from_engine:
        return any(mine.intersection(leaf.layers) for leaf in leaves)
    before = {event.digest for event in blobs if event.seq < pull.seq}
    others = {event.digest for event in later} - mine
    for leaf in leaves:
        if leaf.config in mine and not (others - before).intersection(leaf.layers):
            return True
    return pull.machine in lab.machines and (_pushed_before(lab, registry, pull) or _had(lab, wanted, pull, others))


def _pushed_before(lab: Scope, registry: Registry, pull: Event) -> bool:
    """Whether the machine that pulls pushed the same image before."""
    return any(
        (event.action, event.machine, event.digest) == (Action.PUSH, pull.machine, pull.digest) and event.ok
        for event in lab.events_of(registry)
        if event.seq < pull.seq
    )


def _had(lab: Scope, wanted: Reference, pull: Event, fetched_later: set[str]) -> bool:
    """Whether the machine had the image when it asked for it, judging by what it has now. A pull by tag gives the image that
    tag; the Swarm's pulls, which are by digest, do not."""
    registry = lab.registry_of(wanted)
    ids = registry.image_ids(pull.digest)
    if ":" in pull.reference:
        return not ids & fetched_later and any(image.id in ids for image in lab.engine(pull.machine).images)
    image = lab.engine(pull.machine).image(wanted.tagged(pull.reference))
    return image is not None and image.id in ids


def was_pulled(lab: Scope, wanted: Reference) -> str:
    """Somebody pulled this tag, on any machine of the lab."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    if pulls := pulls_of(lab, wanted):
        last = pulls[-1]
        return f"{last.machine or 'a machine'} pulled {last.digest} (line {last.seq} of the access log)"
    if asked := _asked(lab, wanted):
        where = asked[-1].machine or "a machine"
        fail("pull-only-asked", found=f"a request from {where}, and no download", machine=where, **values)
    if others := lab.pulls(registry, wanted.repository):
        fail("pull-other-tag", found=sorted({pull.reference for pull in others}), **values)
    looks = (Action.PULL, Action.HEAD)
    tried = [event for event in lab.since if event.registry == registry.key and event.action in looks]
    missed = [event for event in tried if not event.ok and event.by_person and wanted.app in event.repository]
    if missed:
        last = missed[-1]
        by_digest = ":" in last.reference
        tag, digest = ("", last.reference) if by_digest else (last.reference, "")
        tried_name = registry.name(last.repository, tag, digest)
        fail("pull-failed", found=f"a pull of {tried_name}, which failed", tried=tried_name, **values)
    if any(event.ok and event.repository == wanted.repository for event in tried if not event.by_person):
        fail("pull-by-swarm", found="pulls by the Swarm's nodes", **values)
    fail("pull-none", found="no pull", **values)


def has_pulled(lab: Scope, wanted: Reference, pulls: list[Event]) -> str:
    """One of the machines that pulled has the same image as the registry now, and has it from that pull. An image that it
    built, copied, or downloaded for the Swarm does not count."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    digest = registry.digest(wanted)
    fresh = sorted({pull.machine for pull in pulls if digest and pull.digest == digest and pull.machine})
    if not fresh:
        last = pulls[-1]
        now = short(digest) if digest else "nothing"
        found = f"{last.machine or 'a machine'} pulled {short(last.digest)}; {registry.title} now has {now}"
        fail("pull-outdated", found=found, **values)
    assert digest  # otherwise nothing would be fresh
    pulled, current = wanted.at(digest), []
    tools = {
        pull.machine for pull in pulls if not pull.from_engine
    }  # an image that they load into an engine has a tag but no digest
    for name in fresh:
        copy = lab.engine(name).image(wanted) if name in tools else None
        if lab.engine(name).image(pulled) or (copy and copy.fingerprint in registry.fingerprints(digest)):
            current.append(name)
    if current:
        return f"{', '.join(current)} has {pulled}"
    fail("pull-removed", found=f"no such image on {', '.join(fresh)}", machine=fresh[-1], **values)
