"""Questions about a lab that several exercises ask, each with the diagnosis for every way it can go wrong."""

import difflib
import re
from datetime import datetime
from typing import Any

from labkit.content import personal
from labkit.content.check import fail, passed, wait_for

# Swarm's words for a task that is on its way (docs: "Swarm task states").
MOVING = {"new", "allocated", "pending", "assigned", "accepted", "ready", "preparing", "starting"}


REFERENCE = re.compile(r"(.+?)(?::([^:/]+))?")


def split(reference: str) -> tuple[str, str]:
    """`name:tag` as (name, tag); a name without a tag means latest."""
    match = REFERENCE.fullmatch(reference)
    return (match[1], match[2] or "latest") if match else (reference, "latest")


def near(wanted: str, found: list[str]) -> str | None:
    """The one that is nearly the wanted, if one is: at most a slip or two away, in each of its parts."""
    likely = [one for one in found if _near_by_part(wanted.lower(), one.lower())]
    close = difflib.get_close_matches(wanted.lower(), [one.lower() for one in likely], n=1, cutoff=0.85)
    return next(one for one in likely if one.lower() == close[0]) if close else None


def _near_by_part(wanted: str, found: str) -> bool:
    """Whether each part is near its counterpart: …/myapp is no slip of …/webapp, though most letters of the whole agree."""
    pairs = (re.split("[/:]", wanted), re.split("[/:]", found))
    if len(pairs[0]) != len(pairs[1]):
        return True
    return all(difflib.SequenceMatcher(None, one, other).ratio() >= 0.6 for one, other in zip(*pairs, strict=True))


def image_is_tagged(lab: Any, reference: str) -> str:
    """The workstation has an image of that name."""
    repository, _ = split(reference)
    tags = [tag for tag in lab.workstation.tags if not tag.startswith("busybox")]
    if reference in tags:
        image = lab.workstation.image(reference)
        return f"{reference} is {image.id[:19]}"
    app = repository.rpartition("/")[2]
    own = [tag for tag in tags if split(tag)[0] == repository]
    bare = [tag for tag in tags if split(tag)[0] == app and tag != f"{app}:latest"]
    elsewhere = [tag for tag in tags if tag.endswith(f"/{app}:v1.0.0")]
    if own:
        fail("tag-other-version", expected=reference, found=own)
    addressed = [tag for tag in elsewhere if "." in tag.split("/")[0] or ":" in tag.split("/")[0]]
    if addressed:
        fail("tag-other-registry", expected=reference, found=addressed)
    if typo := near(reference, tags):
        fail("tag-typo", expected=reference, found=typo)
    if elsewhere:
        fail("tag-other-namespace", expected=reference, found=elsewhere)
    if bare:
        fail("tag-no-namespace", expected=reference, found=bare)
    fail("tag-none", expected=reference, found=tags)


def is_in_hub(lab: Any, reference: str) -> str:
    """Docker Hub has this name with this tag, and it is an image."""
    repository, tag = split(reference)
    digest = lab.hub.digest(repository, tag)
    if digest:
        if not lab.hub.contents(digest):
            found = f"{lab.hub.manifests[digest].kind} without layers that run"
            fail("push-not-image", expected=reference, found=found)
        return f"{reference} is {digest} in Docker Hub"
    tags = lab.hub.tags(repository)
    if tags == ["latest"]:
        fail("push-latest-only", expected=tag, found=tags, repository=repository)
    if tags:
        fail("push-other-tag", expected=tag, found=tags, repository=repository)
    _explain_refused_push(lab, reference)
    if lab.private.tags(repository) or lab.private.tags(repository.rpartition("/")[2]):
        fail(
            "push-other-registry", expected=f"Docker Hub: {reference}", found="registry.lab:5000", repository=repository
        )
    others = [name for name in lab.hub.repositories if not name.startswith("library/")]
    if typo := near(repository, others):
        fail("push-typo", expected=repository, found=typo)
    fail("push-none", expected=reference, found=others, repository=repository)


def _explain_refused_push(lab: Any, reference: str) -> None:
    pushes = [event for event in lab.hub.events if event.action == "push" and event.seq > lab.start]
    if not pushes or pushes[-1].ok:
        return
    last = pushes[-1]
    values = {"expected": reference, "found": f"a push to {last.repository} was refused", "repository": last.repository}
    if last.repository.startswith("library/"):
        fail("push-no-namespace", **values)
    if last.user is None:
        fail("push-not-signed-in", **values)
    fail("push-other-namespace", **values)


def hub_has_same_image(lab: Any, reference: str) -> str:
    """What Docker Hub holds under this name is what the workstation has under it, where it still has it."""
    repository, tag = split(reference)
    digest = lab.hub.digest(repository, tag)
    local = lab.workstation.image(reference)
    if local is not None and local.content not in lab.hub.contents(digest):
        held = ", ".join(sorted(one[:19] for one in lab.hub.image_ids(digest)))
        fail("push-stale", expected=reference, found=f"registry {held}, workstation {local.id[:19]}")
    return f"{reference} is {digest}"


def hub_has_sample(lab: Any, reference: str) -> str:
    """What Docker Hub holds under this name is the sample app: as the lab brought it, or as myapp:latest is now."""
    repository, tag = split(reference)
    digest = lab.hub.digest(repository, tag)
    local = lab.workstation.image("myapp:latest")
    if lab.sample not in lab.hub.contents(digest) and (local is None or local.content not in lab.hub.contents(digest)):
        fail(
            "push-other-image",
            expected=reference,
            found=", ".join(sorted(one[:19] for one in lab.hub.image_ids(digest))),
        )
    return f"{reference} is {digest}"


def carries_mark(lab: Any, labels: dict[str, str]) -> str:
    """The image carries the mark of this lab: none in the default lab, the learner's own in a personal one."""
    carried = labels.get(personal.LABEL, "")
    if carried != lab.person.secret:
        expected = f"{personal.LABEL}={lab.person.secret}" if lab.person.secret else f"no label {personal.LABEL}"
        fail("build-foreign", expected=expected, found=f"{personal.LABEL}={carried}" if carried else "no such label")
    return carried


def hub_image_carries_mark(lab: Any, reference: str) -> str:
    """What Docker Hub holds under this name carries the mark of this lab."""
    repository, tag = split(reference)
    manifest = lab.hub.manifests[lab.hub.digest(repository, tag)]
    leaves = [lab.hub.manifests[one] for one in manifest.manifests if one in lab.hub.manifests]
    return carries_mark(lab, [*leaves, manifest][0].labels)


def pulls_of(lab: Any, reference: str) -> list[Any]:
    """Pulls of this tag, or of the digest that it has, that a person asked for since the exercise began."""
    repository, tag = split(reference)
    pulls = lab.hub.pulls(repository, after=lab.start)
    digest = lab.hub.digest(repository, tag)
    return [one for one in pulls if one.reference in (tag, digest)]


def was_pulled(lab: Any, reference: str) -> str:
    """Somebody pulled this tag, on any machine of the lab."""
    repository, _ = split(reference)
    pulls = pulls_of(lab, reference)
    if pulls:
        last = pulls[-1]
        return f"{last.machine or 'a machine'} pulled {last.digest} (line {last.seq} of the access log)"
    if others := lab.hub.pulls(repository, after=lab.start):
        fail(
            "pull-other-tag", expected=reference, found=sorted({one.reference for one in others}), repository=repository
        )
    tried = [event for event in lab.hub.events if event.seq > lab.start and event.action in ("pull", "head")]
    app = repository.rpartition("/")[2]
    missed = [event for event in tried if not event.ok and event.by_person and app in event.repository]
    if missed:
        fail("pull-failed", expected=reference, found=f"{missed[-1].repository}:{missed[-1].reference}".rstrip(":"))
    if any(event.ok and event.repository == repository for event in tried if not event.by_person):
        fail("pull-by-swarm", expected=reference, found="pulls by the Swarm's nodes")
    fail("pull-none", expected=reference, found="no pull")


def has_pulled_image(lab: Any, reference: str, machines: list[str]) -> str:
    """One of the machines that pulled this tag has it, as Docker Hub has it now."""
    repository, tag = split(reference)
    digest = lab.hub.digest(repository, tag)
    current = [name for name in machines if lab.node(name).image(f"{repository}@{digest}")]
    if current:
        return f"{', '.join(current)} has {repository}@{digest}"
    held = [name for name in machines if any(one.startswith(f"{repository}@") for one in _digests(lab, name))]
    if held:
        fail("pull-outdated", expected=reference, found=f"an older image on {', '.join(held)}")
    fail("pull-removed", expected=reference, found=f"no such image on {', '.join(machines)}", machine=machines[-1])


def _digests(lab: Any, machine: str) -> list[str]:
    return [digest for image in lab.node(machine).images for digest in image.digests]


def find_service(lab: Any, name: str) -> Any:
    """The service of that name, also where a stack put its own name before or after it; None where there is none."""
    services = lab.swarm.services
    stacked = [one for one in services.values() if name in (one.stack, one.name.removeprefix(f"{one.stack}_"))]
    return services.get(name) or min(stacked, key=lambda one: one.name, default=None)


def service_exists(lab: Any, name: str, reference: str) -> str:
    """The Swarm has a service of that name."""
    if not lab.swarm.active:
        fail("swarm-left", expected=name, found="no Swarm")
    found = find_service(lab, name)
    if found:
        return f"service {found.name}"
    services = lab.swarm.services
    repository, _ = split(reference)
    same = sorted(one.name for one in services.values() if split(one.reference.partition("@")[0])[0] == repository)
    if same or (typo := near(name, sorted(services))):
        fail("service-other-name", expected=name, found=same[0] if same else typo)
    nodes = [lab.workstation, *lab.workers()]
    if any(one.name == name for node in nodes for one in node.containers):
        fail("service-container", expected=name, found="a container of that name")
    fail("service-none", expected=name, found=sorted(services))


def service_image(lab: Any, name: str, reference: str) -> str:
    """The service is made from this tag, as Docker Hub has it."""
    service = find_service(lab, name)
    repository, tag = split(reference)
    asked = service.reference.removeprefix("docker.io/").removeprefix("index.docker.io/")
    digest = lab.hub.digest(repository, tag)
    values = {"expected": reference, "found": service.reference, "service": service.name}
    if asked not in (reference, f"{repository}@{digest}"):
        asked_name, asked_tag = split(asked)
        if asked_name == repository and asked_tag == "latest":
            fail("service-latest", **values)
        if asked_name == repository.rpartition("/")[2]:
            fail("service-local-image", **values)
        fail("service-other-image", **values)
    if digest is None:
        fail("service-not-pushed", **values)
    if service.digest and service.digest != digest:
        fail("service-old-digest", **{**values, "found": service.digest})
    return f"{service.reference} at {service.digest or digest}"


def service_wants_three(lab: Any, name: str) -> str:
    """The service asks for three tasks: as replicas, or as one on each of three nodes."""
    service = find_service(lab, name)
    members = [one for one in lab.swarm.members.values() if one.availability == "active"]
    if service.mode == "Global" and len(members) == 3 and not service.constraints:
        return "one task on each of 3 nodes"
    if service.replicas == 3:
        return "3 replicas"
    one = "" if service.replicas == 1 else "s"
    found = f"{service.replicas} replica{one}" if service.replicas is not None else service.mode
    fail("service-replicas", expected="3 replicas", found=found, service=service.name)


def service_runs(lab: Any, name: str) -> str:
    """Three tasks run. While the Swarm works on it, that is said; what cannot get better is said at once."""
    service = find_service(lab, name)
    running = service.running
    if service.update_state in ("paused", "rollback_paused", "rollback_completed"):
        fail("service-paused", expected="3 tasks running", found=service.update_message, service=service.name)
    if len(running) >= 3:
        return ", ".join(f"{name}.{task.slot or task.node} on {task.node}" for task in running)
    _explain_tasks(lab, service)
    moving = [task for task in service.tasks if task.state in MOVING and task.desired in ("running", "ready")]
    since = min((task.created for task in moving), default="")
    states = sorted(f"{task.node or 'no node'}: {task.state}" for task in moving)
    wait_for(f"{len(running)} of 3 tasks run", found=states or f"{len(running)} of 3 tasks run", since=since)


SHORT = 10.0
"""Seconds: a task that ends sooner will end again. One that ran longer met with an accident, and the Swarm replaces it."""

ACCIDENTS = (137, 143, 255)
"""Exit codes of a task that was ended from outside: killed, asked to end, or found dead when its engine started again. Once is
an accident, and the Swarm replaces the task; twice is a habit."""


def _explain_tasks(lab: Any, service: Any) -> None:
    """Tells why tasks do not run, where waiting will not help. The first cause first."""
    values = {"expected": "3 tasks running", "service": service.name}
    for failures in _failing_slots(service):
        task = failures[0]
        error = f"{task.error or task.message} ({task.node})"
        if any(text in task.error.lower() for text in ("no such image", "pull access denied", "not found: manifest")):
            fail("task-image-missing", found=error, **values)
        if task.state == "rejected" or "starting container failed" in task.error:
            fail("task-failed", found=error, **values)
        short = [one for one in failures if _lifetime(one) < SHORT]
        accident = task.exit_code in ACCIDENTS and len(short) < 2
        if task in short and not accident:
            code = f"exit code {task.exit_code}, " if task.exit_code is not None else ""
            fail("task-crashing" if task.exit_code is not None else "task-failed", found=code + error, **values)
    stuck = [task for task in service.tasks if task.state == "pending" and task.error]
    if stuck:
        fail("task-no-node", found=stuck[0].error, **values)
    down = sorted(
        f"{one.name} is {one.state if one.state != 'ready' else one.availability}"
        for one in lab.swarm.members.values()
        if one.state != "ready" or one.availability != "active"
    )
    if down and not [task for task in service.tasks if task.state in MOVING]:
        fail("task-node-down", found=down, **values)


def _failing_slots(service: Any) -> list[list[Any]]:
    """For each slot whose newest task does not run: its ended tasks, the newest first; the latest failure's slot first."""
    slots: dict[Any, list[Any]] = {}
    for task in sorted(service.current, key=lambda one: one.created, reverse=True):
        slots.setdefault(task.slot or task.node, []).append(task)
    ended = ("failed", "rejected", "complete")
    failing = [
        failures
        for tasks in slots.values()
        if tasks[0].state != "running" and (failures := [one for one in tasks if one.state in ended])
    ]
    return sorted(failing, key=lambda failures: failures[0].since, reverse=True)


def _lifetime(task: Any) -> float:
    """Seconds from a task's making to its last change of state."""
    return (datetime.fromisoformat(task.since) - datetime.fromisoformat(task.created)).total_seconds()


def signed_in_to_hub(lab: Any) -> Any:
    """Docker Hub accepted a sign-in since the exercise began."""
    since = [event for event in lab.events if event.action == "login" and event.seq > lab.start]
    accepted = [event for event in since if event.ok and event.registry == "hub"]
    if accepted:
        last = accepted[-1]
        return passed(
            f"{last.user} from {last.machine or 'a machine'} (line {last.seq} of the access log)",
            "login-password-visible",
        )
    expected = "a sign-in that Docker Hub accepts"
    refused = [event for event in since if event.registry == "hub"]
    if refused:
        last = refused[-1]
        mistake = "login-wrong-password" if last.reason == "wrong password" else "login-unknown-user"
        fail(mistake, expected=expected, found=f"{last.user}: refused, {last.reason}", user=last.user or "")
    if any(event.ok for event in since):
        fail("login-other-registry", expected=expected, found="a sign-in at registry.lab:5000")
    fail("login-none", expected=expected, found="no sign-in")


def keeps_sign_in(lab: Any) -> str:
    """A machine of the lab keeps a sign-in for Docker Hub."""
    hub = ("https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io")
    for place, keys in sorted(lab.sign_ins().items()):
        if kept := [key for key in keys if key in hub]:
            return f"{kept[0]} in {'your Docker configuration' if place == 'here' else place}"
    found = sorted({key for keys in lab.sign_ins().values() for key in keys})
    fail("login-lost", expected="a sign-in kept for https://index.docker.io/v1/", found=found)
