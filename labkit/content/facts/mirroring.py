"""What machines got from the registry mirror in place of Docker Hub, by the mirror's log, the Hub's log and the engines.

An engine that downloads an image asks for its config, whatever layers it has already (moby, distribution/pull_v2.go), so the
last download of the config says where a machine's copy came from. A mirror asks the Hub for a tag's digest whenever somebody
asks it for that tag, and nothing more if it has what the tag leads to (distribution, registry/proxy/proxytagservice.go).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.content.check import fail
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.log import Action, Event
from labkit.seen.mirror import MACHINE, Served
from labkit.seen.reference import Reference
from labkit.seen.registries import Registry

TOO_MANY = 429
"""The status of a refusal because of the rate limit."""

SILENT = (
    "docker/",
    "Docker-Client/",
    "buildkit/",
    "containerd/",
    "skopeo/",
    "containers/",
    "Buildah/",
    "oras/",
    "Go-http",
)
"""How the agents of clients begin that show nobody the headers of an answer."""

SOON = 60
"""Seconds within which the mirror passes on what it was told, at the most."""

CLOCKS = 0.1
"""Seconds by which the two logs may differ: the mirror's is stamped as its lines are read."""


@dataclass(frozen=True)
class Copy:
    """An image of Docker Hub's that a machine has, by its last download since the exercise began."""

    machine: str
    name: Reference
    """With its digest."""
    config: str
    time: float
    """When it was downloaded, in seconds since 1970."""
    mirrored: bool
    """Whether the mirror served it; otherwise Docker Hub did."""


def hub(lab: Scope) -> Registry:
    found = reference.parse("busybox")
    assert found is not None
    return lab.registry_of(found)


def _at_hub(lab: Scope) -> list[Event]:
    key = hub(lab).key
    return [event for event in lab.since if event.registry == key]


def limit_was_met(lab: Scope) -> str:
    """Docker Hub refused a pull of the learner's because of its rate limit."""
    events = [event for event in _at_hub(lab) if event.machine not in ("", MACHINE)]
    if refused := [event for event in events if event.status == TOO_MANY]:
        last = refused[-1]
        return f"{last.machine} was refused {last.repository} (line {last.seq} of the access log)"
    if any(event.status == TOO_MANY for event in _at_hub(lab)):
        fail("limit-met-by-the-mirror", expected="429 for a pull of yours", found="429 for a question of the mirror's")
    counted = [event for event in events if event.action == Action.PULL and event.ok]
    told = {"expected": "429 Too Many Requests", "found": f"{len(counted)} pulls that count, none refused"}
    if counted and counted[-1].user:  # another's limit, and the larger one
        fail("limit-signed-in", **told, user=counted[-1].user, machine=counted[-1].machine)
    fail("limit-not-met", **told)


def limit_was_read(lab: Scope) -> str:
    """Somebody asked Docker Hub for a manifest with a client that shows the answer's headers."""
    looks = [event for event in _at_hub(lab) if event.action in (Action.HEAD, Action.PULL)]
    shown = [event for event in looks if event.machine and not event.agent.startswith(SILENT)]
    if shown:
        last = shown[-1]
        return f"{last.agent.partition(' ')[0]} asked on {last.machine} (line {last.seq} of the access log)"
    asked = sorted({event.agent.partition(" ")[0] for event in looks if event.machine})
    fail("limit-not-read", expected="a HEAD with curl", found=asked or "no request")


def is_cache(lab: Scope) -> str:
    """The lab's mirror runs as a pull-through cache of Docker Hub."""
    mirror = lab.mirror
    expected = "proxy.remoteurl https://registry-1.docker.io"
    if not mirror.there:
        fail("mirror-part-missing", expected="the machine mirror", found="no such machine")
    if not mirror.running:
        fail("mirror-down", expected=expected, found="no registry answers on mirror")
    if not mirror.upstream:
        fail("mirror-plain", expected=expected, found="a registry without proxy")
    if not mirror.of_hub:
        fail("mirror-other-upstream", expected=expected, found=mirror.upstream)
    return f"{mirror.names[0]} is a cache of {mirror.upstream}"


def is_used(lab: Scope, wanted: int) -> str:
    """So many machines' engines ask the mirror first."""
    mirror = lab.mirror
    users = [machine for machine in sorted(mirror.users) if mirror.used_by(machine)]
    if len(users) >= wanted:
        return f"{', '.join(users)} use {mirror.names[0]}"
    expected = f"http://{mirror.names[0]} on {wanted} machines"
    others = {machine: urls for machine, urls in sorted(mirror.users.items()) if urls and machine not in users}
    for machine, urls in others.items():
        fail("mirror-other-address", expected=expected, found=", ".join(urls), machine=machine, mirror=mirror.names[0])
    if users:
        fail("mirror-one-user", expected=expected, found=", ".join(users))
    fail("mirror-unused", expected=expected, found="no registry mirror")


def copies(lab: Scope) -> list[Copy]:
    """What machines downloaded since the exercise began, and still have; the oldest download first."""
    return sorted(_copies(lab), key=lambda copy: copy.time)


def _copies(lab: Scope) -> Iterator[Copy]:
    registry = hub(lab)
    blobs = [served for served in lab.mirrored if served.action == Action.BLOB and served.ok and served.by_engine]
    direct = [event for event in _at_hub(lab) if event.action == Action.BLOB and event.ok and event.from_engine]
    for machine in lab.machines:
        for image in lab.engine(machine).images:
            for name in filter(None, map(reference.parse, image.digests)):
                if not registry.answers_to(name.registry):
                    continue
                what = (machine, name.repository, image.id)
                mirrored = [one.time for one in blobs if (one.machine, one.repository, one.reference) == what]
                fetched = [one.time for one in direct if (one.machine, one.repository, one.digest) == what]
                if mirrored or fetched:
                    last = max((*mirrored, *fetched))
                    yield Copy(machine, name, image.id, last, last in mirrored)


def from_mirror(lab: Scope) -> str:
    """A machine has an image of Docker Hub's that the mirror served."""
    found = copies(lab)
    if mirrored := [copy for copy in found if copy.mirrored]:
        return f"{mirrored[0].machine} got {mirrored[0].name} from the mirror"
    expected = "an image of Docker Hub's, served by the mirror"
    _fail_bypassed(lab, found, expected)
    _fail_by_name(lab, expected)
    gone = [served for served in lab.mirrored if served.action == Action.BLOB and served.ok and served.by_engine]
    if gone:
        machine, name = gone[-1].machine, gone[-1].repository
        fail("mirror-copy-gone", expected=expected, found=f"no {name} on {machine}", machine=machine, name=name)
    asked = [served for served in lab.mirrored if served.ok and served.by_engine]
    if asked:
        machine, name = asked[-1].machine, asked[-1].repository
        fail("mirror-had-before", expected=expected, found=f"a question for {name}", machine=machine, name=name)
    fail("mirror-no-pull", expected=expected, found="no pull through the mirror")


def _fail_bypassed(lab: Scope, found: list[Copy], expected: str) -> None:
    """Tells of a machine that has a mirror and an image straight from Docker Hub."""
    for copy in reversed(found):
        if not copy.mirrored and lab.mirror.users.get(copy.machine):
            name = copy.name.name
            values = {"machine": copy.machine, "name": name}
            fail("mirror-bypassed", expected=expected, found=f"{name} from Docker Hub", **values)


def _fail_by_name(lab: Scope, expected: str) -> None:
    """Tells of an image that was pulled under the mirror's own name."""
    names = lab.mirror.names
    for machine in lab.machines:
        for name in filter(None, map(reference.parse, lab.engine(machine).tags)):
            if name.registry in names:
                values = {"machine": machine, "name": name.repository, "mirror": name.registry}
                fail("mirror-by-name", expected=expected, found=str(name), **values)


def second_from_mirror(lab: Scope) -> str:
    """A second machine got from the mirror what the mirror had already, and Docker Hub sent nothing for it."""
    mirrored = [copy for copy in copies(lab) if copy.mirrored]
    for copy in mirrored:
        before = [one for one in _served_before(lab, copy) if one.machine != copy.machine]
        if before and not _sent(lab, copy, before[-1].time):
            return f"{copy.machine} got {copy.name.name} after {before[-1].machine}, and Docker Hub sent nothing for it"
    others = [copy for copy in copies(lab) if not copy.mirrored]
    expected = "a second machine with an image that the mirror held already"
    if again := [copy for copy in mirrored if any(one.machine != copy.machine for one in _served_before(lab, copy))]:
        name = again[-1].name.name
        fail("mirror-fetched-again", expected=expected, found=f"{name} was sent by Docker Hub again", name=name)
    _fail_bypassed(lab, [copy for copy in others if any(copy.config == one.config for one in mirrored)], expected)
    _fail_copied(lab, mirrored, expected)
    machine, name = mirrored[-1].machine, mirrored[-1].name.name
    fail("mirror-one-machine", expected=expected, found=f"{name} on {machine} only", machine=machine, name=name)


def _served_before(lab: Scope, copy: Copy) -> list[Served]:
    """When engines got this image's config from the mirror before this copy was downloaded."""
    return [
        one
        for one in lab.mirrored
        if (one.action, one.repository, one.reference) == (Action.BLOB, copy.name.repository, copy.config)
        and one.ok
        and one.by_engine
        and one.time < copy.time
    ]


def _sent(lab: Scope, copy: Copy, since: float) -> bool:
    """Whether Docker Hub sent the mirror this image's config anew between then and the copy's download.

    A mirror downloads a blob twice, once to pass it on and once to keep it, and the second may come late (distribution,
    registry/proxy/proxyblobstore.go: ServeBlob)."""
    sent = [
        event
        for event in _at_hub(lab)
        if (event.machine, event.action, event.digest) == (MACHINE, Action.BLOB, copy.config)
        and event.ok
        and since < event.time <= copy.time + CLOCKS
    ]
    return len(sent) > 1


def _fail_copied(lab: Scope, mirrored: list[Copy], expected: str) -> None:
    """Tells of a machine that has the image without having downloaded it."""
    downloaded = {(copy.machine, copy.config) for copy in copies(lab)}
    for copy in mirrored:
        for machine in lab.machines:
            held = [image for image in lab.engine(machine).images if image.id == copy.config]
            if not held or (machine, copy.config) in downloaded:
                continue
            values = {"machine": machine, "name": copy.name.name}
            if any(one.machine == machine for one in lab.mirrored if one.by_engine):
                fail("mirror-had-before", expected=expected, found=f"a copy of before on {machine}", **values)
            fail("mirror-copied", expected=expected, found=f"a copy on {machine} that nobody pulled", **values)


def without_hub(lab: Scope) -> str:
    """The mirror served a tag that Docker Hub told it nothing about, and the machine has the image."""
    mirrored = {(copy.machine, copy.name.repository) for copy in copies(lab) if copy.mirrored}
    asked = [served for served in _tags_asked(lab) if (served.machine, served.repository) in mirrored]
    if alone := [served for served in _unanswered(lab) if served in asked]:
        last = alone[-1]
        return f"the mirror gave {last.repository}:{last.reference} to {last.machine}; Docker Hub did not answer it"
    expected = "a pull through the mirror while Docker Hub does not answer it"
    told = [f"Docker Hub answered for {served.repository}:{served.reference}" for served in asked]
    found = told[-1] if told else "no pull of a tag"
    fail("mirror-hub-answered", expected=expected, found=found)


def _tags_asked(lab: Scope) -> list[Served]:
    """Questions of engines for a tag, which the mirror answered, as far back as the Hub's log has every line."""
    return [
        one
        for one in lab.mirrored
        if one.asks_for_tag and one.ok and one.by_engine and one.time - CLOCKS > lab.unbroken
    ]


def _unanswered(lab: Scope) -> list[Served]:
    """Those of the mirror's answers for a tag before which Docker Hub did not tell it where the tag leads."""
    left = [served for served in lab.mirrored if served.asks_for_tag and served.time - CLOCKS > lab.unbroken]
    for event in _at_hub(lab):
        if event.machine == MACHINE and event.action == Action.HEAD and event.ok:
            said = (event.repository, event.reference)
            for served in left:
                late = served.time - event.time
                if (served.repository, served.reference) == said and -CLOCKS <= late <= SOON:
                    left.remove(served)
                    break
    return left
