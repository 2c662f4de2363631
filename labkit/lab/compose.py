"""docker-compose.lab.yml, made from the plan: python -m labkit.lab.compose > docker-compose.lab.yml"""

import json
from pathlib import Path

from labkit.lab.engine.capabilities import WITHOUT_PRIVILEGED
from labkit.lab.plan import COMPOSE, INSIDE_STATE, JUPYTER, MACHINE, ROLE, Machine, Plan, bridge

PLAN = Plan("${LABKIT_LAB:-registry-lab}", Path("${PWD}/work"), version=COMPOSE, owner="${USER:-}")
"""What Compose starts. It fills in the variables itself."""

PREFIX = "10.203.200"
JUPYTER_HOST = 30

HEAD = """\
# The lab for those who prefer Docker Compose:
#
#   docker compose -f docker-compose.lab.yml up          (prints JupyterLab's address)
#   docker compose -f docker-compose.lab.yml down -v
#
# The same machines, names, addresses and labels as `labkit up` gives them, so `labkit status`, `check` and `down` see it,
# with LABKIT_LAB=registry-lab where you are not root: a user's own labs are named after them.
# Made from labkit/lab/plan.py, as labkit/lab/compose.py says; a test compares, and starts it.
#
#   LABKIT_LAB=NAME           another name than registry-lab; labkit beside it needs the same
#   LABKIT_PRIVILEGED=false   where the host withholds SYS_RESOURCE (`labkit doctor` tells)
#   LABKIT_BASE=IMAGE         another base than debian:trixie-slim
#   LABKIT_CA=FILE            a certificate authority that stands before the package index
#   LABKIT_SOCKET=PATH        the engine's socket, if it is not /var/run/docker.sock
"""

BUILD = """\
x-build: &build
  context: .
  dockerfile: labkit/lab/image/Dockerfile
  network: host
  args: {BASE: "${LABKIT_BASE:-debian:trixie-slim}"}

x-machine: &machine
  image: registry-lab:compose
  build: {<<: *build, target: machine}
  depends_on: {keys: {condition: service_completed_successfully}}
"""

NODE = """\
x-node: &node
  <<: *machine
  privileged: ${LABKIT_PRIVILEGED:-true}
  # Without `privileged`: as much of it as can be had. With it, the engine passes over these.
"""

JUPYTER_IMAGE = """\
x-jupyter: &jupyter
  image: registry-lab-jupyter:compose
  build: {<<: *build, target: jupyter, secrets: [ca]}
"""


def text(plan: Plan = PLAN) -> str:
    """The whole file."""
    machines = plan.machines
    keyed = [machine for machine in machines if machine.tls]
    labels = "".join(f"  {key}: {value}\n" for key, value in _quoted(plan.labels()).items())
    own = {"cgroupns": "cgroup"}
    node = "".join(
        f"  {own.get(key, key)}: {json.dumps(value) if isinstance(value, list) else value}\n"
        for key, value in {**WITHOUT_PRIVILEGED, "cap_drop": ["SYS_RESOURCE"]}.items()
    )
    parts = [
        HEAD,
        f"name: {plan.name}\n",
        f"x-labels: &labels\n{labels}",
        BUILD,
        NODE + node,
        JUPYTER_IMAGE,
        f"services:\n{_keys(plan, keyed)}",
        *(_service(plan, machine) for machine in machines),
        _jupyter(plan),
        _network(plan),
        _volumes(plan, keyed),
        'secrets:\n  ca: {file: "${LABKIT_CA:-/dev/null}"}\n',
    ]
    return "\n".join(parts)


def _quoted(labels: dict[str, str]) -> dict[str, str]:
    """A label's value is text, also where it reads like a number."""
    return {key: f'"{value}"' if value.isdigit() else value for key, value in labels.items()}


def _inline(mapping: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in mapping.items()) + "}"


def _keys(plan: Plan, keyed: list[Machine]) -> str:
    mounts = "".join(f"      - keys-{each.name}:{INSIDE_STATE}/pki/{each.name}/pki\n" for each in keyed)
    return f"""\
  keys:
    <<: *jupyter
    container_name: {plan.name}-keys
    entrypoint: ["python3", "-m", "labkit.inside", "keys"]
    environment: {{PATH: "/opt/labkit/bin:/usr/bin:/bin", LABKIT_STATE: {INSIDE_STATE}}}
    labels: *labels
    network_mode: none
    volumes:
{mounts}      - keys-client:{INSIDE_STATE}/pki/client
"""


def _service(plan: Plan, machine: Machine) -> str:
    aliases = f"\n        aliases: [{', '.join(machine.aliases)}]" if machine.aliases else ""
    keys = f"      - keys-{machine.name}:/lab/pki:ro\n" if machine.tls else ""
    bare = ", volume: {nocopy: true}" if machine.bare else ""
    return f"""\
  {machine.name}:
    <<: *{"node" if machine.is_node else "machine"}
    container_name: {plan.container(machine)}
    hostname: {machine.name}
    command: {machine.command}
    environment: {_inline(plan.environment(machine))}
    labels: {{<<: *labels, {MACHINE}: {machine.name}, {ROLE}: {machine.role}}}
    ports: ["127.0.0.1::{machine.port}"]
    volumes:
{keys}      - {{type: volume, source: {machine.name}, target: {machine.data}{bare}}}
    networks:
      lab:
        ipv4_address: {PREFIX}.{machine.host}{aliases}
"""


def _jupyter(plan: Plan) -> str:
    return f"""\
  {JUPYTER}:
    <<: *jupyter
    container_name: {plan.name}-{JUPYTER}
    hostname: {JUPYTER}
    command: ["python3", "-m", "labkit.inside"]
    depends_on: [{", ".join(machine.name for machine in plan.machines)}]
    labels: {{<<: *labels, {MACHINE}: {JUPYTER}, {ROLE}: {JUPYTER}}}
    environment:
      LABKIT_INSIDE: "1"
      LABKIT_LAB: {plan.name}
      LABKIT_STATE: {INSIDE_STATE}
      LABKIT_WORK: /work
      LABKIT_PORT: ${{LABKIT_PORT:-8888}}
      LABKIT_TOKEN: ${{LABKIT_TOKEN:-}}
    ports: ["127.0.0.1:${{LABKIT_PORT:-8888}}:8888"]
    volumes:
      - ${{LABKIT_SOCKET:-/var/run/docker.sock}}:/var/run/docker.sock
      - ./work:/work
      - keys-client:{INSIDE_STATE}/pki/client
    networks: {{lab: {{ipv4_address: {PREFIX}.{JUPYTER_HOST}}}}}
"""


def _network(plan: Plan) -> str:
    return f"""\
networks:
  lab:
    name: {plan.name}
    labels: *labels
    driver_opts: {json.dumps(bridge(PREFIX))}
    ipam: {{config: [{{subnet: {PREFIX}.0/24, gateway: {PREFIX}.1}}]}}
"""


def _volumes(plan: Plan, keyed: list[Machine]) -> str:
    data = [machine.name for machine in plan.machines]
    names = [*data, *(f"keys-{machine.name}" for machine in keyed), "keys-client"]
    lines = [f'  {name}: {{name: "{plan.name}-{name}", labels: *labels}}\n' for name in names]
    return "volumes:\n" + "".join(lines)


if __name__ == "__main__":
    print(text(), end="")
