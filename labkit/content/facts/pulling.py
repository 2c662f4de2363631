"""Who fetched what from a registry, by its access log."""

from labkit.content.check import fail
from labkit.content.facts.words import about, short
from labkit.content.scope import Scope
from labkit.seen.log import Action, Event
from labkit.seen.reference import Reference


def pulls_of(lab: Scope, wanted: Reference) -> list[Event]:
    """Pulls of this tag, or of the digest that it has, that somebody asked for since the exercise began."""
    registry = lab.registry_of(wanted)
    names = (wanted.version, registry.digest(wanted))
    return [pull for pull in lab.pulls(registry, wanted.repository) if pull.reference in names]


def was_pulled(lab: Scope, wanted: Reference) -> str:
    """Somebody pulled this tag, on any machine of the lab."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    if pulls := pulls_of(lab, wanted):
        last = pulls[-1]
        return f"{last.machine or 'a machine'} pulled {last.digest} (line {last.seq} of the access log)"
    if others := lab.pulls(registry, wanted.repository):
        fail("pull-other-tag", found=sorted({pull.reference for pull in others}), **values)
    looks = (Action.PULL, Action.HEAD)
    tried = [event for event in lab.since if event.registry == registry.key and event.action in looks]
    missed = [event for event in tried if not event.ok and event.by_person and wanted.app in event.repository]
    if missed:
        last = missed[-1]
        by_digest = ":" in last.reference
        tag, digest = ("", last.reference) if by_digest else (last.reference, "")
        fail("pull-failed", found=registry.name(last.repository, tag, digest), **values)
    if any(event.ok and event.repository == wanted.repository for event in tried if not event.by_person):
        fail("pull-by-swarm", found="pulls by the Swarm's nodes", **values)
    fail("pull-none", found="no pull", **values)


def has_pulled(lab: Scope, wanted: Reference, pulls: list[Event]) -> str:
    """One of the machines that these pulls came from has the image as the registry has it now, and by its pull: what it
    built or copied itself, or fetched for the Swarm, does not count."""
    registry, values = lab.registry_of(wanted), about(lab, wanted)
    digest = registry.digest(wanted)
    fresh = sorted({pull.machine for pull in pulls if digest and pull.digest == digest and pull.machine})
    if not fresh:
        last = pulls[-1]
        now = short(digest) if digest else "nothing"
        found = f"{last.machine or 'a machine'} pulled {short(last.digest)}, {registry.title} now has {now}"
        fail("pull-outdated", found=found, **values)
    pulled = wanted.at(digest or "")
    if current := [name for name in fresh if lab.engine(name).image(pulled)]:
        return f"{', '.join(current)} has {pulled}"
    fail("pull-removed", found=f"no such image on {', '.join(fresh)}", machine=fresh[-1], **values)
