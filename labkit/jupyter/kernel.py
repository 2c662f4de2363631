"""What one kernel remembers while it runs."""

from labkit.jupyter.failures import Memory
from labkit.jupyter.verdict import Verdict
from labkit.lab.looking import watch
from labkit.seen.lab import SeenLab, Unobserved


class Kernel:
    """Created once, by notebook.py."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.verdict = Verdict()

    def image_names(self) -> list[str]:
        """Every image name that the lab knows now, for completion."""
        sight = watch.look()
        if sight.observation is None:
            return []
        seen, names = SeenLab(sight.observation), set[str]()
        try:
            for registry in seen.registries.values():
                for repository, tags in registry.repositories.items():
                    names |= {registry.name(repository, tag) for tag in tags}
            names |= set(seen.workstation.tags)
        except Unobserved:
            pass
        return sorted(names)
