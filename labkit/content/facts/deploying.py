"""A service of the Swarm: that it is there, what it is made from, how many tasks it asks for, and that they run."""

from labkit.content.check import fail, wait_for
from labkit.content.facts import tasks
from labkit.content.facts.words import about, near
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.reference import LATEST, Reference
from labkit.seen.swarm import Service


def find_service(lab: Scope, name: str) -> Service | None:
    """The service of that name, also where a stack put its own name before or after it."""
    services = lab.swarm.services
    stacked = [
        service
        for service in services.values()
        if name in (service.stack, service.name.removeprefix(f"{service.stack}_"))
    ]
    return services.get(name) or min(stacked, key=lambda service: service.name, default=None)


def _service(lab: Scope, name: str) -> Service:
    service = find_service(lab, name)
    assert service is not None  # service_exists comes first
    return service


def service_exists(lab: Scope, name: str, wanted: Reference) -> str:
    """The Swarm has a service of that name."""
    if not lab.swarm.active:
        fail("swarm-left", expected=name, found="no Swarm")
    if found := find_service(lab, name):
        return f"service {found.name}"
    services = lab.swarm.services
    asked = {key: reference.parse(service.asked) for key, service in services.items()}
    same = sorted(key for key, image in asked.items() if image and image.same_repository(wanted))
    if other := same[0] if same else near(name, sorted(services)):
        fail("service-other-name", expected=name, found=other)
    engines = [lab.workstation, *(engine for _, engine in lab.workers())]
    if any(container.name == name for engine in engines for container in engine.containers):
        fail("service-container", expected=name, found="a container of that name")
    fail("service-none", expected=name, found=sorted(services))


def service_image(lab: Scope, name: str, wanted: Reference) -> str:
    """The service is made from this tag, as the registry has it."""
    service, registry = _service(lab, name), lab.registry_of(wanted)
    digest = registry.digest(wanted)
    asked = reference.parse(service.asked)
    values = about(lab, wanted) | {"service": service.name}
    if asked is None or not (asked.same_tag(wanted) or (asked.same_repository(wanted) and asked.digest == digest)):
        if asked and asked.same_repository(wanted) and asked.version == LATEST:
            fail("service-latest", found=service.asked, **values)
        if asked and asked.name == wanted.app:
            fail("service-local-image", found=service.asked, **values)
        fail("service-other-image", found=service.asked, **values)
    if digest is None:
        fail("service-not-pushed", found=service.asked, **values)
    if service.digest and service.digest != digest:
        fail("service-old-digest", found=service.digest, **values)
    return f"{service.asked} at {service.digest or digest}"


def service_wants(lab: Scope, name: str, count: int) -> str:
    """The service asks for so many tasks: as replicas, or as one on each of so many nodes."""
    service = _service(lab, name)
    members = [member for member in lab.swarm.members.values() if member.availability == "active"]
    if service.mode == "Global" and len(members) == count and not service.constraints:
        return f"one task on each of {count} nodes"
    if service.replicas == count:
        return f"{count} replicas"
    plural = "" if service.replicas == 1 else "s"
    found = f"{service.replicas} replica{plural}" if service.replicas is not None else service.mode
    fail("service-replicas", expected=f"{count} replicas", found=found, service=service.name, count=count)


def service_runs(lab: Scope, name: str, count: int) -> str:
    """So many tasks run, and go on running. While the Swarm works on it, that is said; what cannot get better is said at
    once."""
    service = _service(lab, name)
    values = {"expected": f"{count} tasks running", "service": service.name}
    running = service.running
    if len(running) < count and service.update_state in ("paused", "rollback_paused"):
        fail("service-paused", found=service.update_message, **values)
    tasks.explain_ends(lab, service, values)
    heard = [task for task in running if not tasks.out_of_reach(lab, task)]
    if len(heard) >= count:
        return ", ".join(f"{name}.{task.place} on {task.node}" for task in heard)
    if len(running) >= count:
        # The Swarm takes a task for running until it has missed its node for some seconds, and then makes it anew elsewhere.
        lost = sorted({task.node for task in running if task not in heard})
        told = f"{len(heard)} of {count} tasks run where somebody answers; no answer from {', '.join(lost)}"
        wait_for(told, found=f"no answer from {', '.join(lost)}")
    tasks.explain_missing(lab.swarm, service, values)
    moving = [task for task in service.tasks if task.on_the_way]
    since = min((task.created for task in moving), default="")
    states = sorted(f"{task.node or 'no node'}: {task.state}" for task in moving)
    said = f"{len(running)} of {count} tasks run"
    wait_for(said, found=states or said, since=since)
