"""What a lab consists of: names, roles, addresses, ports and labels. Values only: nothing is looked up or started here."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

import labkit
from labkit.content import personal
from labkit.edge.policy import policies
from labkit.errors import LabError, nearest
from labkit.seen.person import Person

LABEL = "io.registry-lab"
"""On every container, network and volume of a lab; the value is the lab's name. A lab is found by nothing else."""

MACHINE, ROLE = f"{LABEL}.machine", f"{LABEL}.role"
WORK, DEADLINE, VERSION, LEARNER, WORKSHOP, WORKERS, EXTRA = (
    f"{LABEL}.{key}" for key in ("work", "deadline", "version", "learner", "workshop", "workers", "extras")
)
KEY, PERSON = f"{LABEL}.workshop-key", f"{LABEL}.person"
"""Of a lab in a graded workshop: the file with its key, and the learner's values, which nobody can derive without that."""
OWNER, START = f"{LABEL}.owner", f"{LABEL}.start"
"""Whose the lab is (Home.owner), and which of that owner's starts it comes from: on all that LABEL is on."""

ENGINE_PORT = 2376
DESK_PORT = 8443
"""Where the edge answers labkit (observation, reset), with mutual TLS."""

JUPYTER = "jupyter"
"""The container that docker-compose.lab.yml has beside the machines, with JupyterLab and labkit in it."""

INSIDE_STATE = "/state"
"""Where labkit keeps its state in that container (LABKIT_STATE)."""

COMPOSE = "compose"
"""The version of a lab whose containers Docker Compose made."""

MAX_WORKERS = 5
MANAGER = "workstation"


def bridge(prefix: str) -> dict[str, str]:
    """The options of a lab's network with this prefix: its bridge is named after its addresses.

    An engine that is killed leaves rules of the packet filter behind, which have the name of the bridge in them: all that does
    not leave by it is sent on under another address (moby, drivers/bridge/setup_ip_tables.go). A later network with the same
    addresses and another name would be met by them, and the edge would not know its machines.
    """
    return {"com.docker.network.bridge.name": f"lab-{prefix.replace('.', '-')}"}


@dataclass(frozen=True)
class Machine:
    """One container of the lab. `host` is the last number of its address in the lab's network."""

    name: str
    role: str
    host: int
    command: str
    port: int
    """The port that this side reaches it by."""
    data: str
    """Where its volume is mounted."""
    aliases: tuple[str, ...] = ()
    ping: str = "/_ping"
    """The path that it answers once it is ready."""
    tls: bool = True
    """Whether it has keys and answers with mutual TLS. Without, it is a plain server, as a learner starts one."""

    @property
    def is_node(self) -> bool:
        return self.role == "node"

    @property
    def bare(self) -> bool:
        """Whether its volume is empty at first. The edge's has what the image brings there (busybox)."""
        return self.role != "edge"


OPEN = "REGISTRY_HTTP_NET=tcp REGISTRY_HTTP_ADDR=:5000"
"""Has the registry listen in the lab's network; the store of the image's own configuration does not."""

EXTRAS: dict[str, tuple[Machine, ...]] = {
    # CNCF Distribution as it comes: no sign-in, no TLS, a volume of its own that is empty at first.
    "registry": (
        Machine(
            *("my-registry", "registry", 40, f"env {OPEN} docker-registry serve /lab/store.yml", 5000),
            data="/var/lib/registry",
            ping="/v2/",
            tls=False,
        ),
    ),
}
"""What an exercise may ask for beyond the standard lab, by the name that `labkit up --with NAME` and its exercise.toml say."""


@functools.cache
def registry_hosts() -> tuple[str, ...]:
    """The names that the edge answers to (labkit/edge/registries.json says what each of them is)."""
    return tuple(dict.fromkeys(host for registry in policies().values() for host in registry.hosts))


@dataclass(frozen=True)
class Plan:
    """Everything that `up` is asked for. It is kept in the labels of the lab's containers, and read from nowhere else."""

    name: str
    work: Path = Path()
    workers: int = 2
    deadline: float = 0.0
    """The Unix time, in whole seconds, at which the lab ends; 0 for never."""
    learner: str = ""
    workshop: str = ""
    extras: tuple[str, ...] = ()
    """Names of EXTRAS, in their order."""
    key: str = ""
    """The file with the key of a graded workshop (labkit/lab/owner/workshop.py), "" for none."""
    given: Person | None = None
    """The learner's values as that key gives them; without one they come from learner and workshop."""
    version: str = labkit.__version__
    owner: str = ""
    """Whose it is: Home.owner; for a lab of Docker Compose's the user's name alone; "" where nobody said."""
    start: str = ""
    """A number of its own for each lab that is started anew; a repair keeps it."""
    hosts: tuple[str, ...] = field(default_factory=registry_hosts)

    def __post_init__(self) -> None:
        """Raises LabError for an extra that there is not."""
        for name in self.extras:
            if name not in EXTRAS:
                raise LabError(
                    f"There is no part {name!r} for a lab: {nearest(name, list(EXTRAS))}", "labkit up --help"
                )
        object.__setattr__(self, "extras", tuple(name for name in EXTRAS if name in self.extras))

    @functools.cached_property
    def machines(self) -> tuple[Machine, ...]:
        return (
            Machine("edge", "edge", 10, "/lab/bin/edge.sh", DESK_PORT, "/var/lib/registry", self.hosts),
            *(
                Machine(name, "node", 21 + number, "/lab/bin/node.sh", ENGINE_PORT, "/var/lib/docker")
                for number, name in enumerate((MANAGER, *(f"worker{n}" for n in range(1, self.workers + 1))))
            ),
            *(machine for name in self.extras for machine in EXTRAS[name]),
        )

    @property
    def nodes(self) -> tuple[Machine, ...]:
        return tuple(machine for machine in self.machines if machine.is_node)

    def machine(self, name: str) -> Machine:
        """Raises KeyError for a machine that the plan lacks."""
        return next((machine for machine in self.machines if machine.name == name), None) or _unknown(name)

    @property
    def composed(self) -> bool:
        """Whether docker-compose.lab.yml made its containers and keys, so that only Compose can make them anew."""
        return self.version == COMPOSE

    @property
    def person(self) -> Person:
        return self.given or personal.person(self.learner, self.workshop)

    def container(self, machine: Machine) -> str:
        """The name of the machine's container."""
        return f"{self.name}-{machine.name}"

    def volume(self, machine: Machine) -> str:
        return f"{self.name}-{machine.name}"

    def environment(self, machine: Machine) -> dict[str, str]:
        """The variables in the machine's container."""
        return {"LAB_NODE": machine.name, **({"LAB_ACCOUNT": self.person.username} if machine.role == "edge" else {})}

    @property
    def bare_labels(self) -> dict[str, str]:
        """What a lab is found and told apart by: on its network and volumes."""
        said = {OWNER: self.owner, START: self.start}
        return {LABEL: self.name, **{key: value for key, value in said.items() if value}}

    def labels(self, machine: Machine | None = None) -> dict[str, str]:
        """The plan as labels; with a machine, those of its container. What has its default is left out."""
        said = {
            WORK: str(self.work),
            WORKERS: str(self.workers),
            DEADLINE: f"{self.deadline:.0f}" if self.deadline else "",
            VERSION: self.version,
            LEARNER: self.learner,
            WORKSHOP: self.workshop,
            KEY: self.key,
            PERSON: msgspec.json.encode(self.given).decode() if self.given else "",
            EXTRA: ",".join(self.extras),
        }
        own = {MACHINE: machine.name, ROLE: machine.role} if machine else {}
        return {**self.bare_labels, **{key: value for key, value in said.items() if value}, **own}

    @classmethod
    def from_labels(cls, labels: Iterable[Mapping[str, str]]) -> "Plan":
        """The plan that these containers' labels tell. Labels cannot be changed, so a lab that was added to since it was
        made has two kinds: the most workers and all extras count, of the rest what any of them says."""
        found = list(labels)
        said = {key: value for each in found for key, value in each.items()}
        extras = {name for each in found for name in each.get(EXTRA, "").split(",")}
        return cls(
            name=said[LABEL],
            work=Path(said.get(WORK, "")),
            workers=max((int(each[WORKERS]) for each in found if WORKERS in each), default=cls.workers),
            deadline=float(said.get(DEADLINE) or 0),
            learner=said.get(LEARNER, ""),
            workshop=said.get(WORKSHOP, ""),
            key=said.get(KEY, ""),
            given=msgspec.json.decode(said[PERSON], type=Person) if PERSON in said else None,
            extras=tuple(name for name in EXTRAS if name in extras),
            version=said.get(VERSION, ""),
            owner=said.get(OWNER, ""),
            start=said.get(START, ""),
        )

    def grown(self, asked: "Plan") -> "Plan":
        """This plan of a lab that is up, with what `asked` adds: machines are added, never taken away, and the rest stays as
        it is. Raises LabError where another learner's lab is asked for."""
        if asked.learner and asked.learner != self.learner:
            whose = f"of {self.learner}" if self.learner else "without a learner's name"
            raise LabError(
                f"A lab {whose} is up; it cannot become that of {asked.learner}.", "labkit down   (then up again)"
            )
        if asked.key and asked.given != self.given:
            raise LabError("A lab is up that is not of this workshop.", "labkit down   (then up again)")
        return replace(self, workers=max(self.workers, asked.workers), extras=(*self.extras, *asked.extras))


def _unknown(name: str) -> Machine:
    raise KeyError(name)
