"""What one kernel holds for as long as it runs: the ends of its cells' outputs, and its panels."""

import atexit
from typing import TYPE_CHECKING

from labkit.jupyter.failures import Memory

if TYPE_CHECKING:
    from labkit.jupyter.panels import Panels


class Kernel:
    """Made once, at the door (notebook.py). Without `panels` they are made at first use."""

    def __init__(self, panels: "Panels | None" = None) -> None:
        self.memory = Memory()
        self._panels = panels

    @property
    def panels(self) -> "Panels":
        """The panels, which are watched for from their first use on."""
        if self._panels is None:
            from labkit.jupyter.panels import Panels
            from labkit.lab.looking.watch import Watch

            watch = Watch()
            atexit.register(watch.stop)
            self._panels = Panels(self.memory, watch)
        return self._panels

    def image_names(self) -> list[str]:
        """Every name of an image that the lab knows, for completion; none before a panel was shown."""
        return self._panels.image_names() if self._panels else []
