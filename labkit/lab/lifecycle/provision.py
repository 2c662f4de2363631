"""Creates, repairs and removes labs. The only place that creates containers."""

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import labkit
from labkit import paths
from labkit.content import personal
from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab import plan as topology
from labkit.lab.engine import capabilities, images
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.find import Lab, Part
from labkit.lab.lifecycle import pki, swarm
from labkit.lab.plan import Machine

PATIENCE = 60.0
"""Seconds that a machine may take to answer."""


@contextlib.contextmanager
def lock(say: Say) -> Iterator[None]:
    """Only one `up` or `down` of a lab at a time; the other waits. The system lets go of it when a process dies."""
    paths.cache().mkdir(parents=True, exist_ok=True)
    handle = os.open(paths.cache() / f"{paths.LAB}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another labkit is starting or ending this lab: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def up(engine: Engine, say: Say, workers: int = 2, deadline: float = 0.0, learner: str = "", workshop: str = "") -> Lab:
    """Starts the lab, or completes and repairs what is there of it, and returns it ready.

    `deadline` is the Unix time at which the lab ends, 0 for never. With a `learner` the lab is that person's, with names
    derived from the `workshop`'s seed. Raises LabError.
    """
    image = images.ensure(engine, say)
    lab = find.on(engine)
    keys = paths.state() / "pki" / "client" / "key.pem"
    if lab is None or lab.expired or not keys.exists():
        # Volumes and networks of an `up` that was killed are found by their labels even where no container is.
        sweep(engine, say)
        paths.clear_state()  # a JupyterLab that outlived its lab goes on
        pki.make(paths.state() / "pki")
        lab = None
    if lab:
        if learner and learner != lab.person.learner:
            whose = f"of {lab.person.learner}" if lab.person.learner else "without a learner's name"
            raise LabError(f"A lab {whose} is up; it cannot become that of {learner}.", "labkit down   (then up again)")
        workers, deadline = max(workers, lab.workers), lab.deadline
    plan = topology.machines(workers)
    whole = lab is not None and all(lab.parts.get(one.name, _GONE).state == "running" for one in plan)
    say("checking the lab that is up" if whole else "repairing the lab" if lab else f"starting {len(plan)} machines")
    _prepare_testcontainers()
    creator = _Creator(
        engine, image, deadline, lab.person.learner if lab else learner, lab.workshop if lab else workshop
    )
    settle(engine, plan, lab, creator)
    found = find.on(engine)
    if found is None:
        raise LabError("The lab's containers vanished while it started.", "labkit up")
    return found


_GONE = Part("", "", "", "missing", "", None, "")

LEFTOVER = ("created", "removing", "dead")
"""States of a container that cannot be started again: an `up` was killed before it had copied the keys in, or a removal was
cut short ("container is marked for removal and cannot be started")."""


def settle(engine: Engine, plan: tuple[Machine, ...], lab: Lab | None, creator: "_Creator | None") -> None:
    """Brings each machine up, waits until it answers, and joins the nodes to the Swarm; all side by side.

    Without a `creator` (containers made by Docker Compose) every machine must be there. Raises LabError.
    """
    there = lab.parts if lab else {}
    with contextlib.ExitStack() as open_wires, ThreadPoolExecutor(2 * len(plan) + 1) as pool:

        def bring(machine: Machine) -> Part:
            part = there.get(machine.name, _GONE)
            if part.state in LEFTOVER and creator is not None:
                _remove(engine, f"/containers/{part.id}?force=1&v=1")
                _until_gone(lambda: [one for one in find.parts(engine, paths.LAB) if one["Id"] == part.id])
                part = _GONE
            if part.state == "missing":
                if creator is None:
                    raise LabError(
                        f"The machine {machine.name} is missing.", "docker compose up   (where you started it)"
                    )
                creator.create(machine)
            elif part.state == "paused":
                _post(engine, f"/containers/{part.id}/unpause")
            elif part.state != "running":
                _post(engine, f"/containers/{part.id}/start")
            elif part.address:
                return part
            return _inspect(engine, machine)

        def answer(machine: Machine, brought: Future[Part]) -> Wire | None:
            part = brought.result()
            return None if machine.role == "store" else open_wires.enter_context(_wait(engine, machine, part))

        brought = {one.name: pool.submit(bring, one) for one in plan}
        answers = {one.name: pool.submit(answer, one, brought[one.name]) for one in plan}

        def manager() -> swarm.Manager:
            wire = answers[topology.MANAGER].result()
            assert wire is not None
            return swarm.manage(wire, brought[topology.MANAGER].result().address)

        managed = pool.submit(manager)

        def join(name: str) -> None:
            wire = answers[name].result()
            assert wire is not None
            swarm.join(wire, managed.result(), brought[name].result().address)

        nodes = [one.name for one in plan if one.is_node]
        joined = [pool.submit(join, name) for name in nodes if name != topology.MANAGER]
        addresses = {name: find.address(name, brought[name].result().port, "node") for name in nodes}
        contexts.write(addresses)
        answers[topology.MANAGER].result()
        load_sample(engine, brought[topology.MANAGER].result())
        everything: list[Future[Any]] = [*answers.values(), managed, *joined]
        for future in everything:
            future.result()
        swarm.tidy(managed.result(), nodes)


def load_sample(engine: Engine, workstation: Part) -> None:
    """Puts myapp:latest on the workstation, where a learner finds it as if it had just been built."""
    execute(engine, workstation.id, ["docker", "load", "--quiet", "--input", "/lab/myapp.tar"])


def execute(engine: Engine, container: str, command: list[str]) -> str:
    """Runs a command in a container of the lab and returns what it printed. Raises LabError where it fails."""
    with engine.wire(timeout=PATIENCE) as wire:
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": True}
        identifier = json.loads(wire.request("POST", f"/containers/{container}/exec", body))["Id"]
        output = wire.request("POST", f"/exec/{identifier}/start", {"Detach": False, "Tty": True})
    with engine.wire() as wire:
        code = wire.get(f"/exec/{identifier}/json")["ExitCode"]
    text = output.decode(errors="replace").strip()
    if code:
        raise LabError(f"In the lab, `{' '.join(command)}` failed: {text}", "labkit up   (it repairs the lab)")
    return text


class _Creator:
    """Creates one lab's network and containers, with testcontainers."""

    def __init__(self, engine: Engine, image: str, deadline: float, learner: str = "", workshop: str = "") -> None:
        self.engine, self.image = engine, image
        self._kwargs = capabilities.node_kwargs(engine)
        self._client_kwargs = {"environment": {"DOCKER_HOST": engine.url}}
        self._labels = {
            topology.LABEL: paths.LAB,
            topology.WORK: str(paths.work()),
            topology.DEADLINE: f"{deadline:.0f}",
            topology.VERSION: labkit.__version__,
            topology.LEARNER: learner,
            topology.WORKSHOP: workshop,
        }
        self._account = personal.person(learner, workshop).username
        self._network: Any = None
        self._prefix = ""
        self._once = threading.Lock()

    def create(self, machine: Machine) -> None:
        """Creates and starts one machine. Raises LabError."""
        import docker

        with self._once:
            if self._network is None:
                self._make_network()
        try:
            container = self._container(machine)
            with contextlib.closing(container.get_docker_client().client):
                container.start()
        except docker.errors.APIError as error:
            text = str(error.explanation or error)
            withheld = "caps" in text or "operation not permitted" in text
            hint = "   (it shows which capabilities this host withholds)" if withheld else ""
            raise LabError(
                f"The machine {machine.name} could not be started: {text}", f"labkit doctor{hint}"
            ) from error

    def _make_network(self) -> None:
        """Finds the lab's network or makes it. Its addresses are fixed, so that a Swarm survives a restart."""
        import docker
        from testcontainers.core.network import Network

        there = network_prefix(self.engine)
        for prefix in [there] if there else _free_prefixes():
            pool = docker.types.IPAMPool(subnet=f"{prefix}.0/24", gateway=f"{prefix}.1")
            options = {
                "driver": "bridge",
                "ipam": docker.types.IPAMConfig(pool_configs=[pool]),
                "labels": {topology.LABEL: paths.LAB},
            }
            network = Network(self._client_kwargs, options)
            network.name = paths.LAB
            try:
                with contextlib.closing(network._docker.client):
                    if not there:
                        network.create()
            except docker.errors.APIError as error:
                if "overlap" in str(error):
                    continue
                raise LabError(f"The lab's network could not be made: {error.explanation}.", "labkit doctor") from error
            self._network, self._prefix = network, prefix
            return
        raise LabError("No free network address was found for the lab.", "docker network prune")

    def _container(self, machine: Machine) -> Any:
        from docker.constants import DEFAULT_DOCKER_API_VERSION
        from docker.types import EndpointConfig, Mount
        from testcontainers.core.container import DockerContainer

        endpoint = EndpointConfig(
            DEFAULT_DOCKER_API_VERSION, aliases=list(machine.aliases), ipv4_address=f"{self._prefix}.{machine.host}"
        )
        mounts = []
        if machine.is_node or machine.store:
            place, volume = ("/var/lib/docker", machine.name) if machine.is_node else ("/var/lib/registry", "store")
            label = {topology.LABEL: paths.LAB}
            # Only the store brings what the image has there (busybox): two at once would stumble over each other.
            bare = machine.role != "store"
            mounts.append(Mount(place, f"{paths.LAB}-{volume}", type="volume", labels=label, no_copy=bare))
        container = DockerContainer(
            self.image,
            docker_client_kw=self._client_kwargs,
            command=machine.command,
            name=f"{paths.LAB}-{machine.name}",
            env={"LAB_NODE": machine.name, "LAB_ACCOUNT": self._account},
            hostname=machine.name,
            labels={**self._labels, topology.MACHINE: machine.name, topology.ROLE: machine.role},
            mounts=mounts,
            network=self._network,
            networking_config={paths.LAB: endpoint},
            **(self._kwargs if machine.is_node else {}),
        )
        # The folder at once: each copy has the engine mount the container's file system and unmount it again.
        container.with_copy_into_container(paths.state() / "pki" / machine.name / "pki", "/lab")
        if machine.port:
            container.ports[f"{machine.port}/tcp"] = ("127.0.0.1",)
        return container


def _prepare_testcontainers() -> None:
    """The lab ends with `down`, its deadline or its `up`, not with the process that created it, and Ryuk's image may be
    out of reach (docs/decisions/0003-lifetime.md); the lab image is no image of Docker Hub; and no sign-in is needed."""
    from testcontainers.core.config import testcontainers_config

    testcontainers_config.ryuk_disabled = True
    testcontainers_config.hub_image_name_prefix = ""
    os.environ.pop("DOCKER_AUTH_CONFIG", None)


def network_prefix(engine: Engine) -> str:
    """The first three numbers of the lab's network, "" where it is not there."""
    for network in _labelled(engine, "networks"):
        for pool in network["IPAM"]["Config"] or []:
            return str(pool["Subnet"]).rsplit(".", 1)[0]
    return ""


def _free_prefixes() -> Iterator[str]:
    """Private /24 networks which this machine has no route into."""
    try:
        rows = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
        routed = {".".join(str(byte) for byte in bytes.fromhex(row[1])[::-1][:3]) for row in rows}
    except OSError:
        routed = set()
    return (prefix for n in range(256) if (prefix := f"10.203.{n}") not in routed)


def _inspect(engine: Engine, machine: Machine) -> Part:
    lab = find.on(engine)
    if lab is None or machine.name not in lab.parts:
        raise LabError(f"The machine {machine.name} vanished while it started.", "labkit up")
    return lab.parts[machine.name]


def _post(engine: Engine, path: str) -> None:
    with engine.wire(timeout=PATIENCE) as wire:
        try:
            wire.request("POST", path)
        except WireError as error:
            raise LabError(f"A machine of the lab could not be started: {error}", "labkit down && labkit up") from error


def _wait(engine: Engine, machine: Machine, part: Part) -> Wire:
    """A connection to a machine that answers. Raises LabError with its last words where it never does."""
    tls = tls_context(paths.state() / "pki" / "client")
    url = find.address(machine.name, part.port, machine.role)
    deadline = time.monotonic() + PATIENCE
    pause = 0.02
    while True:
        wire = Wire(url, tls)
        try:
            wire.request("GET", "/_ping")
        except WireError as error:
            wire.close()
            if time.monotonic() > deadline:
                raise LabError(
                    f"The machine {machine.name} does not answer: {error}.", "labkit down && labkit up"
                ) from error
        else:
            return wire
        if time.monotonic() > deadline - PATIENCE + 2:
            _check_alive(engine, machine, part)
            pause = 0.2
        time.sleep(pause)


def _check_alive(engine: Engine, machine: Machine, part: Part) -> None:
    with engine.wire() as wire:
        state = wire.get(f"/containers/{part.id}/json")["State"]
        if state["Running"]:
            return
        logs = wire.request("GET", f"/containers/{part.id}/logs?stderr=1&stdout=1&tail=5").decode(errors="replace")
    last = " ".join("".join(c for c in logs if c.isprintable() or c == "\n").split())
    raise LabError(f"The machine {machine.name} ended with exit code {state['ExitCode']}: {last}", "labkit doctor")


def _labelled(engine: Engine, kind: str) -> list[dict[str, Any]]:
    filters = quote(json.dumps({"label": [f"{topology.LABEL}={paths.LAB}"]}))
    with engine.wire() as wire:
        found = wire.get(f"/{kind}?filters={filters}")
    return list(found["Volumes"] or [] if kind == "volumes" else found)


def sweep(engine: Engine, say: Say) -> int:
    """Removes every container, network and volume of this lab. Returns how many there were. Raises LabError."""
    containers = [one["Id"] for one in find.parts(engine, paths.LAB)]

    def remove(path: str) -> None:
        _remove(engine, path)

    if containers:
        say("removing the lab's machines")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(remove, [f"/containers/{one}?force=1&v=1" for one in containers]))
        _until_gone(lambda: find.parts(engine, paths.LAB))
        rest = [f"/networks/{one['Id']}" for one in _labelled(engine, "networks")]
        rest += [f"/volumes/{one['Name']}?force=1" for one in _labelled(engine, "volumes")]
        list(pool.map(remove, rest))
        _until_gone(lambda: _labelled(engine, "networks") + _labelled(engine, "volumes"))
    return len(containers) + len(rest)


def _remove(engine: Engine, path: str) -> None:
    """Removes what the path names, however often that takes: whoever looks into a container just then (a panel does) has its
    file system mounted, and the engine fails with "directory not empty". Raises LabError after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with engine.wire(timeout=PATIENCE) as wire:
            try:
                wire.request("DELETE", path)
            except WireError as error:
                if error.status in (404, 409):  # 409: somebody else is removing it right now
                    return
                if error.status != 500 or time.monotonic() > deadline:
                    raise LabError(f"A part of the lab could not be removed: {error}", "labkit down") from error
            else:
                return
        time.sleep(0.1)


def _until_gone(left: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while found := left():
        if time.monotonic() > deadline:
            names = ", ".join(str(one.get("Name") or one.get("Names")) for one in found)
            raise LabError(f"These parts of the lab could not be removed: {names}.", "labkit down   (once more)")
        time.sleep(0.05)


def used_by_labs(engine: Engine) -> bool:
    """Whether any lab, of whatever name, is on this engine."""
    filters = quote(json.dumps({"label": [topology.LABEL]}))
    with engine.wire() as wire:
        return bool(wire.get(f"/containers/json?all=1&filters={filters}"))
