"""A service of the Swarm: that it exists, which image it uses, how many replicas it has, and that its tasks run."""

from labkit.content.check import fail, wait_for
from labkit.content.facts import tasks
from labkit.content.facts.words import about, near
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.reference import LATEST, Reference
from labkit.seen.swarm import Service


def find_service(lab: Scope, name: str) -> Service | None:
    """The service with this name, also if a stack added its own name before or after it."""
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
    """The Swarm has a service with this name."""
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
        fail("service-container", expected=name, found="a container with this name")
    fail("service-none", expected=name, found=sorted(services))


def service_image(lab: Scope, name: str, wanted: Reference) -> str:
    """The service uses this tag, and the same image as the registry has now."""
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
        fail("service-not-pushed", found="no image of this name in the registry", **values)
    if service.digest and service.digest != digest:
        fail("service-old-digest", found=service.digest, **values)
    return f"{service.asked} at {service.digest or digest}"


def service_wants(lab: Scope, name: str, count: int) -> str:
    """The service declares this many tasks: as replicas, or as one task on each of this many nodes."""
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
    """This many tasks run and keep running. While the Swarm is still working on it, that is the answer. A mistake that does not
    fix itself is reported at once."""
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
        # For some seconds after a node is lost, the Swarm still reports its tasks as running. Then it starts them elsewhere.
        lost = sorted({task.node for task in running if task not in heard})
        told = f"{len(heard)} of {count} tasks run on nodes that answer; no answer from {', '.join(lost)}"
        wait_for(told, found=f"no answer from {', '.join(lost)}")
    tasks.explain_missing(lab.swarm, service, values)
    moving = [task for task in service.tasks if task.on_the_way]
    since = min((task.created for task in moving), default="")
    states = sorted(f"{task.node or 'no node'}: {task.state}" for task in moving)
    said = f"{len(running)} of {count} tasks run"
    wait_for(said, found=states or said, since=since)
