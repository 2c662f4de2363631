"""What a lab consists of: names, roles, addresses, ports and labels. Data only."""

from dataclasses import dataclass

LABEL = "io.registry-lab"
"""On every container, network and volume of a lab; the value is the lab's name. A lab is found by nothing else."""

MACHINE, ROLE, WORK, DEADLINE, VERSION, LEARNER, WORKSHOP = (
    f"{LABEL}.{key}" for key in ("machine", "role", "work", "deadline", "version", "learner", "workshop")
)

ENGINE_PORT = 2376
DESK_PORT = 8443
"""Where the edge answers labkit (observation, reset), with mutual TLS."""

JUPYTER = "jupyter"
"""The container that docker-compose.lab.yml has beside the machines, with JupyterLab and labkit in it."""

INSIDE_STATE = "/state"
"""Where labkit keeps its state in that container (LABKIT_STATE)."""

MAX_WORKERS = 5
MANAGER = "workstation"


@dataclass(frozen=True)
class Machine:
    """One container of the lab. `host` is the last number of its address in the lab's network."""

    name: str
    role: str
    host: int
    command: str
    port: int | None = None
    aliases: tuple[str, ...] = ()
    store: bool = False

    @property
    def is_node(self) -> bool:
        return self.role == "node"


# The names that the edge answers to; labkit/edge/registries.json says what each of them is.
EDGE_NAMES = ("registry-1.docker.io", "auth.docker.io", "index.docker.io", "docker.io", "registry.lab")


def machines(workers: int = 2) -> tuple[Machine, ...]:
    """The machines of a lab with that many workers."""
    return (
        Machine("edge", "edge", 10, "/lab/bin/edge.sh", DESK_PORT, EDGE_NAMES, store=True),
        Machine("store", "store", 11, "/lab/bin/store.sh", store=True),
        Machine(MANAGER, "node", 21, "/lab/bin/node.sh", ENGINE_PORT),
        *(Machine(f"worker{n}", "node", 21 + n, "/lab/bin/node.sh", ENGINE_PORT) for n in range(1, workers + 1)),
    )
