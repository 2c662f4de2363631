"""Resets exercises, or the whole lab, to the state before they were begun."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce

from labkit.content import exercises as content
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine.engines import Say
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import machines, provision, sweep
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import CI, DEPOT, MANAGER, TOOLS
from labkit.lab.playing import clearing, condition
from labkit.lab.playing import scope as scopes
from labkit.lab.playing.condition import Condition
from labkit.lab.playing.scope import Scope
from labkit.seen.kubernetes import MACHINE as KUBERNETES
from labkit.work import answers
from labkit.work import attempts as progress


def reset(lab: Lab, exercises: Iterable[Exercise], say: Say = lambda _: None) -> Lab:
    """Undoes what these exercises ask for, wherever it was done, and restarts their part of the access log. Returns the lab.
    Raises LabError."""
    chosen = list(exercises)
    slugs = [exercise.slug for exercise in chosen]
    say(f"resetting {', '.join(slugs)}")
    return _here(lab.access.reset(lab, slugs, say), _scope(slugs))


def reset_all(lab: Lab, say: Say = lambda _: None) -> Lab:
    """Puts the whole lab back to how it was right after its start. Returns it, since a machine that was created again has a new
    container. Raises LabError."""
    say("clearing the lab")
    return _here(lab.access.reset(lab, None, say), _scope(None))


def _scope(slugs: Sequence[str] | None) -> Scope:
    """Resets these exercises or the whole lab. Raises LabError."""
    if slugs is None:
        return scopes.everything(content.slugs())
    return reduce(Scope.__or__, (scopes.of(content.load(slug)) for slug in slugs), Scope())


def _here(lab: Lab, scope: Scope) -> Lab:
    """Undoes what the scope names on the learner's side: contexts, sign-ins, answers. Raises LabError."""
    if scope.machines:
        contexts.restore(lab.folder, {node.machine: lab.url(node.machine) for node in lab.nodes})
    elif scope.sign_out:
        contexts.sign_out(lab.folder)
    else:
        contexts.write(lab.folder, {})  # puts the workstation in use
    for slug in scope.answers:
        answers.forget(lab.work, slug)
    progress.keep_reset(lab.work, list(scope.exercises))
    return lab


def machines_back(lab: Lab, slugs: Sequence[str] | None, say: Say) -> Lab:
    """Undoes what these exercises or the whole lab name on the machines and in the registries: the owner's part. What
    fails is told, and the rest is done all the same; the evidence begins anew only where everything else is done. Again after
    an error, or where it was interrupted, it goes on from what it finds. Raises LabError."""
    scope = _scope(slugs)
    with provision.lock(lab.home, say):
        job = _Job(lab, scope, say)
        if scope.machines:
            job.find()
        run(job.steps(), say)
        return job.lab


@dataclass
class _Job:
    """One reset. Each step fills in its own fields and reads those of the steps that it needs."""

    lab: Lab
    scope: Scope
    say: Say
    conditions: dict[str, Condition] = field(default_factory=dict)
    anew: dict[str, str] = field(default_factory=dict)
    """Machines to create again: {name: why}."""
    services: tuple[str, ...] = ()
    """Names of the removed services."""
    beginning: bool = False
    """Whether some of their tasks were about to start: they may still do so after their node was cleared."""
    sampled: bool = True
    """Whether the workstation has the sample app."""

    def find(self) -> None:
        """Finds the lab as it is now, since the caller's may be out of date, and repairs what has stopped or is missing."""
        found = find.on(self.lab.engine, self.lab.home)
        if found is None:
            raise LabError("The lab is not running.", "labkit up")
        self.lab = found
        if found.missing:
            running = [one.name for one in found.plan.machines if found.state(one.name) == "running"]
            with ThreadPoolExecutor(max(1, len(running))) as pool:
                silent = dict(zip(running, pool.map(partial(condition.silent, found), running), strict=True))
            lost = {name: "it is gone" for name in found.missing if found.state(name) == "missing"}
            self._remake(self._with_their_swarm({**lost, **{name: why for name, why in silent.items() if why}}))

    def steps(self) -> list[Step]:
        nodes = [node.machine for node in self.lab.nodes]
        every = [machine.name for machine in self.lab.plan.machines] if self.scope.machines else []
        looks = [Step(f"look at {name}", partial(self._look, name)) for name in every]
        clears = [
            Step(f"clear {name}", partial(self._telling, name, partial(self._clear, name)), ("services",))
            for name in nodes
        ]
        cleared = [step.name for step in clears]
        return [
            *looks,
            Step("judge", self._judge, tuple(step.name for step in looks)),
            Step("pipeline", partial(self._telling, CI, self._pipeline), ("judge",)),
            Step("services", partial(self._telling, MANAGER, self._services), ("judge", "pipeline")),
            *clears,
            Step("Swarm", partial(self._telling, MANAGER, self._swarm), ("services",)),
            Step("mirror", self._mirror, ("judge",)),
            Step("tools", partial(self._telling, TOOLS, self._tools), ("judge",)),
            Step("depot", self._depot, ("judge",)),
            Step("manifests", partial(self._telling, KUBERNETES, self._manifests), ("judge",)),
            Step("repositories", partial(self._telling, "edge", self._repositories), ("judge", "pipeline")),
            Step(
                "machines",
                self._make_anew,
                ("pipeline", "Swarm", "repositories", "mirror", "tools", "depot", "manifests", *cleared),
            ),
            Step("nodes", partial(self._telling, MANAGER, self._nodes), ("machines",)),
            Step("sample", partial(self._telling, MANAGER, self._sample), ("machines",)),
            Step("evidence", partial(self._telling, "edge", self._evidence), ("nodes", "sample")),
        ]

    def _telling(self, machine: str, do: Callable[[], None]) -> None:
        """A machine's refusal as an error for people."""
        if machine in self.anew:
            return
        try:
            do()
        except WireError as error:
            raise LabError(f"The lab's {machine} could not be reset: {error}", clearing.AGAIN) from error

    def _look(self, machine: str) -> None:
        self.conditions[machine] = condition.of(self.lab, machine)

    def _judge(self) -> None:
        """Decides what to clear and what to create again."""
        if not self.scope.machines:
            return
        self.anew = self._with_their_swarm({name: found.odd for name, found in self.conditions.items() if found.odd})
        manager = self.conditions[MANAGER]
        left = [node.machine for node in self.lab.nodes if self.conditions[node.machine].member not in manager.known]
        if MANAGER in self.anew:
            return
        if strange := manager.strange or ("" if manager.manages else "it is not there"):
            self.anew |= self._with_their_swarm({MANAGER: f"the Swarm is not as it was: {strange}"})
        elif left:
            self.anew |= self._with_their_swarm(dict.fromkeys(left, "it has left the Swarm"))

    def _with_their_swarm(self, odd: dict[str, str]) -> dict[str, str]:
        """These machines ({name: why}), and where a node is among them every other node.

        A node made anew, or one that has left and joins again, is not surely a whole part of a Swarm that knew another at its
        address: it may stay without the Swarm's networks ("timeout waiting for leave broadcast", "listen tcp 0.0.0.0:7946:
        bind: address already in use", "Got ping for unexpected node"). All of them anew take a second more than one.
        """
        nodes = [machine.name for machine in self.lab.plan.nodes]
        odd_nodes = [name for name in nodes if name in odd]
        beside = dict.fromkeys(nodes, f"with {', '.join(odd_nodes)}") if odd_nodes else {}
        return {**beside, **odd}

    def _services(self) -> None:
        if self.scope.services or self.scope.stacks:
            with self.lab.wire(MANAGER) as wire:
                self.services = clearing.services(wire, self.scope)
                self.beginning = bool(self.services) and clearing.beginning(wire)

    def _clear(self, machine: str) -> None:
        found = self.conditions.get(machine, Condition())
        try:
            if found.untidy:
                condition.tidy(self.lab, machine)
            elif self.scope.sign_out and not self.scope.machines:
                condition.sign_out(self.lab, machine)
            if self.scope.mirrors and (
                found.mirrored or not self.scope.machines
            ):  # an exercise's reset looks at no machine
                condition.use_no_mirrors(self.lab, machine)
            if self.scope.tools and not found.odd:
                condition.trust_no_registry(self.lab, machine)
            with self.lab.wire(machine, clearing.PATIENCE) as wire:
                has_sample = clearing.node(wire, machine, self.scope, self.services, found.sample)
                if self.beginning:
                    with self.lab.wire(MANAGER) as manager:
                        clearing.at_rest(manager)
                    has_sample = clearing.node(wire, machine, self.scope, self.services, found.sample)
            if self.scope.images:
                condition.forget_manifests(self.lab, machine)
        except (LabError, WireError) as error:
            if not self.scope.machines:
                raise
            self.anew[machine] = str(error)
        else:
            if machine == MANAGER:
                self.sampled = has_sample

    def _pipeline(self) -> None:
        """Ends a running workflow first: it would build and push what was just removed."""
        if self.scope.pipeline and self.lab.state(CI) == "running":
            execute(self.lab.engine, self.lab.running(CI).id, ["python3", "-I", "/lab/ci/run_commit.py", "clear"])

    def _swarm(self) -> None:
        with self.lab.wire(MANAGER, clearing.PATIENCE) as wire:
            clearing.swarm(wire, self.scope)

    def _mirror(self) -> None:
        if self.scope.mirrors and "mirror" not in self.anew and self.lab.state("mirror") == "running":
            if self.scope.machines:
                condition.tidy(self.lab, "mirror")
            condition.fresh_mirror(self.lab)

    def _tools(self) -> None:
        if self.scope.tools and self.lab.state(TOOLS) == "running":
            execute(self.lab.engine, self.lab.running(TOOLS).id, ["python3", "-I", "/lab/tools/tools.py", "clear"])

    def _depot(self) -> None:
        if self.scope.depot and DEPOT not in self.anew and self.lab.state(DEPOT) == "running":
            if self.scope.machines:
                condition.tidy(self.lab, DEPOT)
            condition.fresh_depot(self.lab)

    def _manifests(self) -> None:
        if self.scope.manifests and self.lab.state(KUBERNETES) == "running":
            execute(self.lab.engine, self.lab.running(KUBERNETES).id, ["/lab/kubernetes/clear.sh"])

    def _repositories(self) -> None:
        with self.lab.wire("edge") as wire:
            clearing.repositories(wire, self.scope)
            if self.scope.limits:
                clearing.limits(wire)
            if self.scope.machines:
                wire.request("POST", "/restore")

    def _make_anew(self) -> None:
        """Lets the repair of `labkit up` create and join what needs it."""
        if not self.anew:
            return
        self.anew = self._with_their_swarm(self.anew)
        self._remake(self.anew)
        self.sampled = True  # by the repair
        if "edge" in self.anew:
            with self.lab.wire("edge") as wire:
                clearing.repositories(wire, self.scope)
        self.anew = {}
        with ThreadPoolExecutor(len(self.lab.nodes)) as pool:
            list(pool.map(self._look, (node.machine for node in self.lab.nodes)))
        for machine in self.lab.nodes:
            if odd := self.conditions[machine.machine].odd:
                raise LabError(
                    f"{machine.machine} was created again but is still not as it was at the start: {odd}.",
                    clearing.AGAIN,
                )

    def _remake(self, odd: dict[str, str]) -> None:
        """Lets the repair create these machines ({name: why}) again, and start and join all others."""
        for machine, why in odd.items():
            if self.lab.plan.version == "compose":
                fix = "docker compose down -v   (in the folder where you started it), then up again"
                raise LabError(f"The machine {machine} cannot be cleared: {why}.", fix)
            self.say(f"creating {machine} again: {why}")
        with ThreadPoolExecutor(max(1, len(odd))) as pool:
            list(pool.map(self._take_away, odd))
        if self.lab.plan.version == "compose":
            self.lab = provision.repair(self.lab, self.say)
        else:
            self.lab = provision.up(self.lab.engine, self.lab.home, self.lab.plan, self.say)

    def _take_away(self, machine: str) -> None:
        """Removes a machine's container, and the volume of a node or an extra registry with its content."""
        planned = self.lab.plan.machine(machine)
        engine = self.lab.engine
        if machine in self.lab.parts:
            sweep.container(engine, self.lab.name, self.lab.parts[machine].id)
        if planned.role == "edge":
            return
        volume = self.lab.plan.volume(planned)
        try:
            with engine.wire(timeout=sweep.PATIENCE) as wire:
                wire.request("DELETE", f"/volumes/{volume}?force=1")
        except WireError as error:
            if error.status != 404:
                raise LabError(
                    f"{machine} could not be created again: its volume {volume} could not be removed: {error}.",
                    "labkit reset   (once nothing uses it)",
                ) from error

    def _nodes(self) -> None:
        if not self.scope.nodes:
            return
        with self.lab.wire(MANAGER) as wire:
            members = {node.machine: self.conditions.get(node.machine, Condition()).member for node in self.lab.nodes}
            clearing.nodes(wire, members if self.scope.machines else None)

    def _sample(self) -> None:
        if not self.sampled:
            execute(self.lab.engine, self.lab.parts[MANAGER].id, machines.LOAD_SAMPLE)

    def _evidence(self) -> None:
        with self.lab.wire("edge") as wire:
            wire.request("POST", "/mark", {"exercises": list(self.scope.exercises)})
