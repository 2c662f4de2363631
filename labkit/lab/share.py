"""What of a machine a lab may use: a value, stored in the labels of its containers. The engine enforces it.

It keeps an accident in one lab, such as a fork bomb or a program that takes all memory, from the others. It is no wall: a node
is a privileged container, and with cgroups version 1 root there can raise the limits of its own processes (docs/security.md).
"""

from typing import Any

import msgspec

MIB = 1024**2

LOG = "10m"
"""How long the engine's log of a machine may get: what root prints there lies on the server's disk, and counts nowhere."""

LEAST_NODE, LEAST_OTHER = 192 * MIB, 128 * MIB
"""Less than this, a lab does not start well (docs/decisions/0042-the-broker.md)."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What each container of a lab may use. A limit for each container instead of one for the lab: the edge, which grading
    asks, does not suffer from what happens on a node. What runs on a node's own engine counts as the node's."""

    node: int = 768 * MIB
    """Memory of a node, in bytes. Swap is not added."""
    other: int = 512 * MIB
    """Memory of any other machine, such as the edge, in bytes."""
    cpus: float = 1.0
    """Cores that one machine may use at the same time. Where the cores are not enough for all, all get the same."""
    processes: int = 1024
    """Processes and threads on one machine. An idle node has about 20."""

    def memory(self, role: str) -> int:
        """Bytes for a machine with this role."""
        return self.node if role == "node" else self.other

    def create(self, role: str) -> dict[str, Any]:
        """What `containers.create` of the docker SDK takes for a machine with this role."""
        memory = self.memory(role)
        return {
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": round(self.cpus * 1e9),
            "pids_limit": self.processes,
            "log_config": {"type": "json-file", "config": {"max-size": LOG, "max-file": "2"}},
        }
