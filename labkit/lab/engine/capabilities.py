"""What a node needs to run its own Docker Engine on this host: --privileged, or as much of it as possible."""

import sys
from pathlib import Path
from typing import Any

from labkit.lab.engine.engines import Engine

# linux/capability.h, in the kernel's order: the index is the bit.
# fmt: off
NAMES = [
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
]
# fmt: on

ESSENTIAL = ("SYS_ADMIN", "NET_ADMIN", "MKNOD")
"""Without these, no engine runs inside a container."""


WITHOUT_PRIVILEGED: dict[str, Any] = {
    "cap_add": ["ALL"],
    "cap_drop": [],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    "device_cgroup_rules": ["a *:* rwm"],
    "cgroupns": "private",
}
"""As much of --privileged as possible; `cap_drop` is what the host withholds."""


def missing(status: Path = Path("/proc/self/status"), last: Path = Path("/proc/sys/kernel/cap_last_cap")) -> list[str]:
    """Capabilities that this host withholds even from root; empty if that is not visible from here."""
    if not status.exists():
        return []
    bounding = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("CapBnd:"))
    held, count = int(bounding, 16), int(last.read_text()) + 1
    return [name for bit, name in enumerate(NAMES[:count]) if not held >> bit & 1]


def of_engine(engine: Engine) -> list[str]:
    """Capabilities that this engine cannot give to a container; empty if it runs in a virtual machine."""
    local = sys.platform == "linux" and engine.url.startswith("unix://")
    return missing() if local else []


def node_kwargs(engine: Engine) -> dict[str, Any]:
    """What `containers.create` takes for a node. Without --privileged, node.sh mounts writable what it needs."""
    lacking = of_engine(engine)
    if not lacking:
        return {"privileged": True, "cgroupns": "private"}
    return {**WITHOUT_PRIVILEGED, "cap_drop": lacking}
