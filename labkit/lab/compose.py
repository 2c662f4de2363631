"""docker-compose.lab.yml, made from the plan: python -m labkit.lab.compose > docker-compose.lab.yml"""

import json
from pathlib import Path

from labkit.lab.apps.gate import INSIDE_PORT
from labkit.lab.engine.capabilities import WITHOUT_PRIVILEGED
from labkit.lab.plan import APPS_PORT, COMPOSE, INSIDE_STATE, JUPYTER, MACHINE, ROLE, Machine, Plan, bridge

WORK = "${LABKIT_WORK:-${PWD}/work}"

PLAN = Plan("${LABKIT_LAB:-registry-lab}", Path(WORK), version=COMPOSE, owner="${USER:-}")
"""What Compose starts. It fills in the variables itself."""

PREFIX = "${LABKIT_SUBNET:-10.203.200}"
JUPYTER_HOST = 30

HEAD = """\
# The lab under Docker Compose:
#
#   docker compose -f docker-compose.lab.yml up          (prints JupyterLab's address)
#   docker compose -f docker-compose.lab.yml down -v
#
# It has the same machines, names and labels as a lab of `labkit up`, so `labkit status`, `check` and `down` find it. If you are
# not root, set LABKIT_LAB=registry-lab for them: otherwise they look for a lab with your user's name.
# Made by labkit/lab/compose.py from labkit/lab/plan.py; a test compares the two, and starts it.
#
# BEFORE YOU START IT: JupyterLab's container gets the Docker Engine's socket, because labkit looks after the lab through it.
# Whoever can open this JupyterLab can therefore do as root whatever they like on your machine. It listens on 127.0.0.1 only,
# and needs its token. Where learners must not be root, use `labkit up` and `labkit invite` (docs/instructing.md) instead.
#
# Variables, all optional:
#
#   LABKIT_LAB=NAME           another name than registry-lab; labkit needs the same
#   LABKIT_PORT=PORT          another port for JupyterLab than 8888
#   LABKIT_TOKEN=TOKEN        JupyterLab's token, in place of a random one
#   LABKIT_WORK=FOLDER        the learner's folder, as an absolute path, in place of ./work
#   LABKIT_SUBNET=10.203.200  the first three numbers of the lab's addresses; the network is 10.203.200.0/24
#   LABKIT_PRIVILEGED=false   if the host withholds SYS_RESOURCE (`labkit doctor` says so)
#   LABKIT_BASE=IMAGE         another base than debian:trixie-slim
#   LABKIT_CA=FILE            a certificate authority to trust for the package index
#   LABKIT_SOCKET=PATH        the engine's socket, if it is not /var/run/docker.sock
#   LABKIT_APPS_PORT=PORT     another port than 8889 for the pages of deployed apps
#
# A second lab beside the first needs a LABKIT_LAB, LABKIT_PORT, LABKIT_APPS_PORT, LABKIT_SUBNET and LABKIT_WORK of its own.
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
  # What the node gets without `privileged`: as much of it as possible. With `privileged` these have no effect.
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
    """A label's value is text, even if it looks like a number."""
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
      {APPS_PORT}: ${{{APPS_PORT}:-{INSIDE_PORT}}}
    ports: ["127.0.0.1:${{LABKIT_PORT:-8888}}:8888", "127.0.0.1:${{{APPS_PORT}:-{INSIDE_PORT}}}:{INSIDE_PORT}"]
    volumes:
      - ${{LABKIT_SOCKET:-/var/run/docker.sock}}:/var/run/docker.sock
      - {WORK}:/work
      - keys-client:{INSIDE_STATE}/pki/client
    networks:
      lab:
        ipv4_address: {PREFIX}.{JUPYTER_HOST}
"""


def _network(plan: Plan) -> str:
    return f"""\
networks:
  lab:
    name: {plan.name}
    labels: *labels
    driver_opts: {json.dumps(bridge(PREFIX))}
    ipam: {{config: [{{subnet: "{PREFIX}.0/24", gateway: "{PREFIX}.1"}}]}}
"""


def _volumes(plan: Plan, keyed: list[Machine]) -> str:
    data = [machine.name for machine in plan.machines]
    names = [*data, *(f"keys-{machine.name}" for machine in keyed), "keys-client"]
    lines = [f'  {name}: {{name: "{plan.name}-{name}", labels: *labels}}\n' for name in names]
    return "volumes:\n" + "".join(lines)


if __name__ == "__main__":
    print(text(), end="")
