"""jupyterhub-idle-culler, as JupyterHub starts it for a classroom: python -m labkit.classroom.hub.culling OPTIONS OF IT

It ends with the JupyterHub that has started it, however that ends, so that no two of them ever run. And it stops a JupyterLab
only after it has itself waited for so long: where the machine's clock is put ahead, all of them look idle at once.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from labkit.classroom.hub.config import HUB

PARENT_DIES = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


@dataclass
class Patience:
    """Decides whether a JupyterLab is stopped."""

    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    """By address: the last activity that JupyterHub knows of, and when this was first seen."""

    def __call__(self, *, inactive: timedelta, inactive_limit: float, server: Mapping[str, Any], **_: object) -> bool:
        """As IdleCuller.cull_arbiter_hook. `inactive`: by the machine's clock, which may have been put right meanwhile."""
        address, stamp, now = str(server["url"]), str(server["last_activity"]), self.clock()
        known, since = self._seen.get(address, ("", now))
        if known != stamp:
            since = now
        self._seen[address] = (stamp, since)
        return inactive.total_seconds() >= inactive_limit and now - since >= inactive_limit


def end_with(parent: int) -> None:
    """Has the kernel end this process when its parent ends; it knows no numbers that another process may get. Raises
    SystemExit where that one has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PARENT_DIES, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("JupyterHub has ended.")


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # see single.py: JupyterHub ends it so, too
    end_with(int(os.environ[HUB]))
    from jupyterhub_idle_culler import IdleCuller

    # Without its configuration file, which would be looked for in the folder where the classroom was started.
    IdleCuller.launch_instance(cull_arbiter_hook=Patience(), config_file="")


if __name__ == "__main__":
    main()
