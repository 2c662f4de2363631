"""What a lab consists of: names, roles, addresses, ports and labels. Only values: nothing is observed or started here."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

import labkit
from labkit.content import personal
from labkit.edge.facts import accounts, registries
from labkit.errors import LabError, nearest
from labkit.lab.share import Share
from labkit.seen.kubernetes import MACHINE as KUBERNETES
from labkit.seen.person import Person

LABEL = "io.registry-lab"
"""The label on every container, network and volume of a lab. Its value, the lab's name, is all that identifies a lab."""

MACHINE, ROLE = f"{LABEL}.machine", f"{LABEL}.role"
WORK, DEADLINE, VERSION, LEARNER, WORKSHOP, WORKERS, EXTRA = (
    f"{LABEL}.{key}" for key in ("work", "deadline", "version", "learner", "workshop", "workers", "extras")
)
KEY, PERSON = f"{LABEL}.workshop-key", f"{LABEL}.person"
"""Labels of a lab in a graded workshop: the file with the workshop's key, and the learner's values, which need that key."""
SHARE = f"{LABEL}.share"
"""What its containers may use, where that is limited (labkit/lab/share.py)."""
OWNER, START = f"{LABEL}.owner", f"{LABEL}.start"
"""Labels beside LABEL: who owns the lab (Home.owner), and which start of that owner's it belongs to."""

ENGINE_PORT = 2376
DESK_PORT = 8443
"""Where the edge answers labkit (observation, reset), with mutual TLS."""

JUPYTER = "jupyter"
"""The container that docker-compose.lab.yml has beside the machines, with JupyterLab and labkit in it."""

INSIDE_STATE = "/state"
"""Where labkit stores its state in that container (LABKIT_STATE)."""

APPS_PORT = "LABKIT_APPS_PORT"
"""The variable in that container with the port on which the host publishes apps' pages."""

COMPOSE = "compose"
"""The version of a lab whose containers Docker Compose made."""

MAX_WORKERS = 5
MANAGER = "workstation"
DEPOT = "depot"
"""The machine with a registry to clean up, where an exercise has asked for it."""
CI = "ci"
"""The machine that runs workflows, if an exercise asked for it."""
TOOLS = "tools"
"""The machine with htpasswd, pass and cosign, where an exercise has asked for it."""
METADATA = "metadata"
"""The machine that plays a cloud's metadata address, and the node that has a role there."""
HAS_ROLE = "worker1"


def bridge(prefix: str) -> dict[str, str]:
    """The options of a lab's network with this prefix: the bridge's name comes from its addresses (at most 15 characters).

    A killed engine leaves packet-filter rules behind that name its bridge: they masquerade whatever does not leave through
    that bridge (moby, drivers/bridge/setup_ip_tables.go). They would also catch a later network with the same addresses but
    another name, and the edge could no longer tell its machines apart.
    """
    return {"com.docker.network.bridge.name": f"lab-{prefix}"}


@dataclass(frozen=True)
class Machine:
    """One container of the lab. `host` is the last number of its address in the lab's network."""

    name: str
    role: str
    host: int
    command: str
    port: int
    """The port at which labkit reaches it."""
    data: str
    """Where its volume is mounted."""
    aliases: tuple[str, ...] = ()
    ping: str = "/_ping"
    """The path that answers once the machine is ready."""
    tls: bool = True
    """Whether it has keys and uses mutual TLS. If not, it is a plain server such as a learner would start."""
    recipe: str = ""
    """The folder in labkit/lab with the recipe for its own image, built on the lab image; "" for the lab image itself."""
    nests: bool = False
    """Whether containers may run inside it though it is no node of the Swarm: it gets what a node gets of this host."""
    keys: str = ""
    """The keys of a machine that is not a TLS server: "guest" for a guest's keys, which open the engines. Such a machine also
    trusts the lab's authority for the registries."""

    @property
    def is_node(self) -> bool:
        return self.role == "node"

    @property
    def bare(self) -> bool:
        """Whether its volume starts empty. The edge's starts with what the image has in that folder (busybox)."""
        return self.role != "edge"


OPEN = "REGISTRY_HTTP_NET=tcp REGISTRY_HTTP_ADDR=:5000"
"""Makes the registry listen on the lab's network. With the image's own configuration it would not."""

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
    # A registry for the learner to make a pull-through cache of. It answers at 5000; at 8080 the machine says that it is up.
    "mirror": (
        Machine("mirror", "mirror", 41, "python3 /lab/bin/mirror.py", 8080, "/var/lib/registry", ping="/", tls=False),
    ),
    # A registry to clean up, on the machine that it runs on. It answers at 5000; at 8080 the machine says what is in it.
    "depot": (
        Machine(DEPOT, "depot", 45, "python3 /lab/depot/depot.py", 8080, "/var/lib/registry", ping="/", tls=False),
    ),
    # A git repository, whose pushes start workflows (labkit/lab/ci).
    "ci": (
        Machine(CI, "ci", 42, "/lab/ci/start.sh", 3000, data="/srv", ping="/", tls=False, recipe="ci", keys="guest"),
    ),
    # Programs that the standard image lacks, and the shop's files (labkit/lab/tools).
    "tools": (
        Machine(
            TOOLS, "tools", 46, "/lab/tools/start.sh", 3000, "/srv", ping="/", tls=False, recipe="tools", keys="guest"
        ),
    ),
    # kubectl, and where its image can be had, k3s (labkit/lab/kubernetes). At 3000 the machine says that it is up.
    "kubernetes": (
        Machine(
            *(KUBERNETES, "kubernetes", 43, "/lab/kubernetes/start.sh", 3000, "/var/lib/rancher"),
            ping="/",
            tls=False,
            recipe="kubernetes",
            keys="guest",
            nests=True,
        ),
    ),
    # The address at which a cloud tells a machine who it is (labkit/lab/cloud).
    "cloud": (
        Machine(
            *(METADATA, "metadata", 44, "python3 -I /lab/cloud/metadata.py", 80, "/srv"),
            ping="/",
            tls=False,
            recipe="cloud",
        ),
    ),
}
"""What an exercise may need beyond the standard lab, by its name in `labkit up --with NAME` and in exercise.toml."""


def part_of(machine: str) -> str:
    """The name of the part beyond the standard lab that has this machine, or ""."""
    return next((name for name, machines in EXTRAS.items() if machine in [one.name for one in machines]), "")


@functools.cache
def registry_hosts() -> tuple[str, ...]:
    """The host names that the edge answers to (labkit/edge/registries.json says which registry each one is)."""
    return tuple(dict.fromkeys(host.partition(":")[0] for registry in registries().values() for host in registry.hosts))


@functools.cache
def registry_titles() -> dict[str, str]:
    """What people call each registry, by its key."""
    return {key: registry.title for key, registry in registries().items()}


@functools.cache
def aws() -> dict[str, str]:
    """What the real `aws` needs to work with the lab's Amazon ECR: an invented key, the region, the authority to trust, and a
    setting that keeps it from looking for a pager."""
    ecr = registries()["ecr"]
    ((key, secret),) = ecr.accounts
    return {
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": ecr.host.split(".")[3],
        "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
        "AWS_PAGER": "cat",
    }


@dataclass(frozen=True)
class Plan:
    """Everything that `up` was asked for. Only the labels of the lab's containers store it."""

    name: str
    work: Path = Path()
    workers: int = 2
    deadline: float = 0.0
    """When the lab ends, in whole seconds since 1970; 0 for never."""
    learner: str = ""
    workshop: str = ""
    extras: tuple[str, ...] = ()
    """Names of EXTRAS, in their order."""
    key: str = ""
    """The file with the key of a graded workshop (labkit/lab/owner/workshop.py), or ""."""
    given: Person | None = None
    """The learner's values, derived from that key or given by a classroom; else they come from `learner` and `workshop`."""
    version: str = labkit.__version__
    owner: str = ""
    """The owner: Home.owner, or only the user's name for a Docker Compose lab; "" if nobody said."""
    start: str = ""
    """A number that each new start of a lab gets and a repair keeps."""
    share: Share | None = None
    """What its machines may use; None for no limit."""
    hosts: tuple[str, ...] = field(default_factory=registry_hosts)

    def __post_init__(self) -> None:
        """Raises LabError for an unknown extra."""
        for name in self.extras:
            if name not in EXTRAS:
                raise LabError(
                    f"A lab has no optional part {name!r}: {nearest(name, list(EXTRAS))}", "labkit up --help"
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
        """Whether docker-compose.lab.yml made its containers and keys. Then only Compose can recreate them."""
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
        account = self.person.username
        password = accounts(account)[account]
        own = {
            "edge": {"LAB_ACCOUNT": account},
            MANAGER: aws(),
            CI: {"LAB_ACCOUNT": account, "LAB_PASSWORD": password},
            TOOLS: {"LAB_ACCOUNT": account, "LAB_PASSWORD": password},
            KUBERNETES: {"REGISTRY_USER": account, "REGISTRY_PASSWORD": password},
            METADATA: self._role() if machine.name == METADATA else {},
        }
        return {"LAB_NODE": machine.name, **own.get(machine.name, {})}

    def _role(self) -> dict[str, str]:
        held = aws()
        keys = {"ROLE_KEY": held["AWS_ACCESS_KEY_ID"], "ROLE_SECRET": held["AWS_SECRET_ACCESS_KEY"]}
        return {**keys, "ROLE_OF": str(self.machine(HAS_ROLE).host)}

    @property
    def bare_labels(self) -> dict[str, str]:
        """The labels on its network and volumes, by which labkit finds a lab and tells it from others."""
        said = {OWNER: self.owner, START: self.start}
        return {LABEL: self.name, **{key: value for key, value in said.items() if value}}

    def labels(self, machine: Machine | None = None) -> dict[str, str]:
        """The plan as labels; with `machine`, the labels of its container. Defaults are left out."""
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
            SHARE: msgspec.json.encode(self.share).decode() if self.share else "",
        }
        own = {MACHINE: machine.name, ROLE: machine.role} if machine else {}
        return {**self.bare_labels, **{key: value for key, value in said.items() if value}, **own}

    @classmethod
    def from_labels(cls, labels: Iterable[Mapping[str, str]]) -> "Plan":
        """The plan that these containers' labels describe. Labels cannot change, so after an addition the containers differ:
        then the largest number of workers and all extras count, and for the rest any container's value."""
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
            share=msgspec.json.decode(said[SHARE], type=Share) if SHARE in said else None,
            version=said.get(VERSION, ""),
            owner=said.get(OWNER, ""),
            start=said.get(START, ""),
        )

    def grown(self, asked: "Plan") -> "Plan":
        """The plan of a running lab plus what `asked` adds: it adds machines, never removes one, and changes nothing else.
        Raises LabError if `asked` is for another learner."""
        if asked.learner and asked.learner != self.learner:
            whose = f"of {self.learner}" if self.learner else "without a learner's name"
            raise LabError(
                f"A lab {whose} is up, and can't become {asked.learner}'s lab.", "labkit down   (then up again)"
            )
        if asked.given and asked.given != self.given:
            raise LabError("The lab that is up does not belong to this workshop.", "labkit down   (then up again)")
        return replace(self, workers=max(self.workers, asked.workers), extras=(*self.extras, *asked.extras))


def _unknown(name: str) -> Machine:
    raise KeyError(name)
