"""A lab as it was seen: the checks, the picture and the feed read it. Reading a part that was not observed raises
Unobserved."""

from collections.abc import Iterator
from functools import cached_property
from typing import TypeVar

from labkit.seen.depot import Depot
from labkit.seen.engines import Engine
from labkit.seen.kubernetes import Kubernetes
from labkit.seen.log import Event, Log
from labkit.seen.mirror import Mirror
from labkit.seen.observation import Observation
from labkit.seen.pages import Page
from labkit.seen.person import Person
from labkit.seen.reference import Reference
from labkit.seen.registries import Registries, Registry, Store, of_holdings
from labkit.seen.runs import Runs
from labkit.seen.secured import Secured
from labkit.seen.swarm import Swarm

WORKSTATION = "workstation"
"""The machine where the learner types. It manages the Swarm."""

T = TypeVar("T")


class Unobserved(Exception):
    """This part of the lab did not answer when it was observed."""


class NotAsked(Unobserved):
    """Nobody asked for this section: an exercise reads a section that its `sees` does not name."""


class SeenLab:
    """One observation, read by section."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation

    def _need(self, section: str, value: T | None) -> T:
        if value is None:
            if gap := self.observation.unobserved.get(section):
                raise Unobserved(gap)
            raise NotAsked(f'nobody asked for its {section}: add "{section}" to `sees` in exercise.toml')
        return value

    @property
    def person(self) -> Person:
        """Whose lab it is."""
        return self.observation.lab.person

    @property
    def taken(self) -> str:
        """When the lab was observed: ISO 8601, UTC."""
        return self.observation.taken

    # ── registries ───────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _registries(self) -> Registries:
        return self._need("registries", self.observation.registries)

    @cached_property
    def registries(self) -> dict[str, Registry]:
        """Every registry by its key, in the lab's order."""
        held = self._registries
        return {key: of_holdings(key, one, held.manifests) for key, one in held.known.items()}

    def registry_of(self, reference: Reference) -> Registry:
        """The registry that this name leads to. Raises Unobserved if the lab has no registry with that address."""
        found = self.registry_at(reference.registry)
        if found is None:
            raise Unobserved(f"The lab has no registry {reference.registry}.")
        return found

    def registry_at(self, host: str) -> Registry | None:
        """The registry that answers to this host name, with or without a port."""
        return next((registry for registry in self.registries.values() if registry.answers_to(host)), None)

    @property
    def sample(self) -> str:
        """The fingerprint of the sample app."""
        return self._registries.sample

    @cached_property
    def store(self) -> Store:
        return self._need("store", self.observation.store)

    # ── the access log ───────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def log(self) -> Log:
        return self._need("log", self.observation.log)

    @property
    def events(self) -> tuple[Event, ...]:
        """The access log, oldest first."""
        return self.log.events

    def events_of(self, registry: Registry) -> list[Event]:
        return [event for event in self.events if event.registry == registry.key]

    @cached_property
    def mirror(self) -> Mirror:
        return self._need("mirror", self.observation.mirror)

    # ── machines ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def machines(self) -> list[str]:
        """The observed machines that have an engine, the workstation first."""
        seen = set(self._need("engines", self.observation.engines))
        return sorted(seen | self.silent, key=lambda name: (name != WORKSTATION, name))

    def engine(self, machine: str) -> Engine:
        engines = self._need("engines", self.observation.engines)
        if machine not in engines:
            raise Unobserved(
                self.observation.unobserved.get(f"engines/{machine}", f"The lab has no machine {machine}.")
            )
        return engines[machine]

    @property
    def silent(self) -> set[str]:
        """The machines with an engine that did not answer."""
        return {name.removeprefix("engines/") for name in self.observation.unobserved if name.startswith("engines/")}

    @cached_property
    def workstation(self) -> Engine:
        return self.engine(WORKSTATION)

    def workers(self) -> Iterator[tuple[str, Engine]]:
        """Each other machine's name and engine."""
        for name in self.machines:
            if name != WORKSTATION:
                yield name, self.engine(name)

    @property
    def sign_ins(self) -> dict[str, dict[str, str]]:
        """{place: {registry as docker names it: account}}; see Observation."""
        return self._need("sign_ins", self.observation.sign_ins)

    # ── the Swarm ────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def swarm(self) -> Swarm:
        return self._need("swarm", self.observation.swarm)

    @property
    def moving(self) -> bool:
        """Whether a run goes on, or the Swarm is still working on a service or cannot be asked: its state will change soon."""
        runs = self.observation.runs is not None and self.observation.runs.moving
        return runs or self.observation.swarm is None or self.observation.swarm.moving

    def page(self, machine: str, task: str) -> Page | None:
        """What the app of a task on that machine answers; None if nobody saw it run there."""
        told = self._need("pages", self.observation.pages)
        if gap := self.observation.unobserved.get(f"pages/{machine}"):
            raise Unobserved(gap)
        return next((page for page in told.get(machine, ()) if page.task == task), None)

    # ── workflows ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def runs(self) -> Runs:
        """The runs of the learner's workflows, and the last trial of them."""
        return self._need("runs", self.observation.runs)

    @property
    def secured(self) -> Secured:
        """A registry of the learner's own, how sign-ins are kept, and the last trial of deploy.sh."""
        return self._need("secured", self.observation.secured)

    # ── a registry to clean up ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def depot(self) -> Depot:
        """The registry on the machine `depot`, and the last trial of the learner's retention script."""
        return self._need("depot", self.observation.depot)

    @property
    def kubernetes(self) -> Kubernetes:
        """The manifests on the machine `kubernetes`, and what its cluster runs."""
        return self._need("kubernetes", self.observation.kubernetes)

    # ── the learner ──────────────────────────────────────────────────────────────────────────────────────────────────

    def answers(self, slug: str) -> dict[str, str]:
        """What the learner answered to an exercise's questions."""
        return self._need("answers", self.observation.answers).get(slug, {})
