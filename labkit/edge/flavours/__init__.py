"""The registries of the lab: a vendor is one module here, and a line of FLAVOURS."""

from pathlib import Path

from ..facts import Facts, accounts, registries
from .acr import Acr
from .base import Clock, Flavour
from .ecr import Ecr
from .google import Artifact, Gcr
from .harbor import Harbor
from .hub import Hub
from .kept import Kept
from .nexus import Nexus, NexusGroup, NexusHosted
from .private import Private

FLAVOURS: dict[str, type[Flavour]] = {
    "hub": Hub,
    "private": Private,
    "harbor": Harbor,
    "ecr": Ecr,
    "nexus": Nexus,
    "nexus-hosted": NexusHosted,
    "nexus-group": NexusGroup,
    "acr": Acr,
    "artifact": Artifact,
    "gcr": Gcr,
}
"""By the key of registries.json."""


def flavours(folder: Path, learner: str = "") -> dict[str, Flavour]:
    """Every registry of the lab by its key. `folder` is where the vendors keep what is theirs."""
    found = registries()
    kept = {name: Kept(folder / f"{name}.json") for name in {facts.product or key for key, facts in found.items()}}
    return {key: _flavour(FLAVOURS[key], facts, kept[facts.product or key], learner) for key, facts in found.items()}


def _flavour(kind: type[Flavour], facts: Facts, kept: Kept, learner: str) -> Flavour:
    return kind(facts, accounts(learner), kept, Clock(kept))
