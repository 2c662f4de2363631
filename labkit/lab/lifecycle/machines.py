"""Each machine's steps: it is created or started, and answers."""

import time

from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.lab import Instance, address, client_keys
from labkit.lab.lifecycle import create, network, sweep
from labkit.lab.lifecycle.site import GONE_STATES, Site
from labkit.lab.plan import MANAGER, Machine
from labkit.work import keeping

PATIENCE = 60.0
"""A machine may take this many seconds to answer after it was started."""

AILING = 10.0
"""A machine may answer for this many seconds that it cannot work."""

STARTED = {"answer": PATIENCE, "work": AILING}
RAN = {"answer": 10.0, "work": 5.0}
"""Seconds for which a machine may not answer, or not work, after it was started; and one that ran already, which is then
started again. The edge's desk takes up to four to tell that its store does not answer (labkit/edge/store.py)."""

STOPPING = 2
"""Then it has this many seconds to stop by itself; a machine that hangs does not."""

LOAD_SAMPLE = ["docker", "load", "--quiet", "--input", "/lab/myapp.tar"]


def start(site: Site, machine: Machine) -> None:
    """Creates the machine, or starts what was found of it. Raises LabError."""
    found = site.found(machine.name)
    if site.lacks(machine):
        if found.id:
            sweep.container(site.engine, site.plan.name, found.id)
        site.instances[machine.name] = create.machine(site, machine)
        return
    if found.state in GONE_STATES:
        fix = "docker compose up   (where you started it)" if site.plan.composed else "labkit up   (it repairs the lab)"
        raise LabError(f"The machine {machine.name} is missing.", fix)
    if found.state != "running":
        verb = "unpause" if found.state == "paused" else "start"
        _post(site.engine, f"/containers/{found.id}/{verb}")
        found = _seen_again(site, machine)
    elif not found.address:  # it was seen while it started
        found = _seen_again(site, machine)
    if not found.address:
        network.connect(site, machine, found.id)
        found = _seen_again(site, machine)
    site.instances[machine.name] = found


def answer(site: Site, machine: Machine) -> None:
    """Waits until the machine answers that it works. If it ran before and does not answer, it is started again: its container
    runs, but what is inside hangs or is sick. If it never answers, raises LabError with its last words."""
    ran = site.found(machine.name).state == "running"
    try:
        _until_it_works(site, machine, RAN if ran else STARTED)
    except _Idle as idle:
        if not ran:
            raise
        site.say(f"{machine.name} does not {idle.fails_to}: starting it again")
        if machine.is_node:
            sweep.thaw(site.engine, site.instances[machine.name].id)
        _post(site.engine, f"/containers/{site.instances[machine.name].id}/restart?t={STOPPING}")
        site.instances[machine.name] = _seen_again(site, machine)
        _until_it_works(site, machine, STARTED)


class _Idle(LabError):
    """A machine runs, and does not `answer` or `work`."""

    def __init__(self, machine: str, fails_to: str, error: WireError) -> None:
        told = f"The machine {machine} does not {fails_to}: {str(error).rstrip('.')}."
        super().__init__(told, "labkit down && labkit up")
        self.fails_to = fails_to


def _until_it_works(site: Site, machine: Machine, patience: dict[str, float]) -> None:
    """Raises _Idle if patience is over, LabError if the machine has stopped."""
    instance = site.instances[machine.name]
    tls = tls_context(client_keys(site.home.state)) if machine.tls else None
    url = address(site.home, site.plan, instance)
    began = time.monotonic()
    pause = 0.02
    while True:
        wire = Wire(url, tls)
        try:
            wire.request("GET", machine.ping)
        except WireError as error:
            wire.close()
            fails_to = "work" if error.status else "answer"
            if time.monotonic() > began + patience[fails_to]:
                raise _Idle(machine.name, fails_to, error) from error
        else:
            site.wires[machine.name] = site.open.enter_context(wire)
            return
        if time.monotonic() > began + 2:
            _check_alive(site.engine, machine, instance)
            pause = 0.2
        site.pause(pause)


def write_contexts(site: Site) -> None:
    """One Docker context a node on this side. Raises keeping.Unwritable."""
    nodes = [site.instances[machine.name] for machine in site.plan.nodes]
    state = site.home.state
    with keeping.writing("The lab's Docker contexts", f"free some space for {state}, then labkit up"):
        contexts.write(state, {node.machine: address(site.home, site.plan, node) for node in nodes})


def load_sample(site: Site) -> None:
    """Puts myapp:latest on the workstation, as if the learner had just built it."""
    execute(site.engine, site.instances[MANAGER].id, LOAD_SAMPLE)


def restore_seeded(site: Site) -> None:
    """Lets the edge restore missing images that come with the lab. Raises LabError."""
    try:
        site.wires["edge"].request("POST", "/restore")
    except WireError as error:
        if error.status == 404:
            return  # an edge of an earlier version, which runs on
        told = f"The images that come with the lab could not be restored: {error}"
        raise LabError(told, "labkit down && labkit up") from error


def _post(engine: Engine, path: str) -> None:
    with engine.wire(timeout=PATIENCE) as wire:
        try:
            wire.request("POST", path)
        except WireError as error:
            raise LabError(f"A machine of the lab could not be started: {error}", "labkit down && labkit up") from error


def _seen_again(site: Site, machine: Machine) -> Instance:
    """A machine that was started has a new port."""
    for container in find.containers(site.engine, site.plan.name):
        if (instance := find.instance(container)).machine == machine.name:
            return instance
    raise LabError(f"The machine {machine.name} disappeared while it was starting.", "labkit up")


def _check_alive(engine: Engine, machine: Machine, instance: Instance) -> None:
    with engine.wire() as wire:
        state = wire.get(f"/containers/{instance.id}/json")["State"]
        if state["Running"]:
            return
        logs = wire.request("GET", f"/containers/{instance.id}/logs?stderr=1&stdout=1&tail=5").decode(errors="replace")
    last = " ".join("".join(c for c in logs if c.isprintable() or c == "\n").split())
    raise LabError(f"The machine {machine.name} stopped with exit code {state['ExitCode']}: {last}", "labkit doctor")
