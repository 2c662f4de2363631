"""What was seen of a lab at one moment: a plain value that can be kept, sent, and graded again.

Checks read it through these classes. Reading a part that could not be observed raises `Unobserved`, which makes the check
an error of the lab's and not of the learner's.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

from labkit.content.personal import Person
from labkit.errors import LabError

SCHEMA = 1


class Unobserved(Exception):
    """This part of the lab did not answer when it was looked at."""


@dataclass(frozen=True)
class Image:
    """An image that a machine holds. `id` is the digest of its config, as in a manifest."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    labels: dict[str, str]
    size: int
    content: str
    """What is in it and how it starts (labkit/edge/shelf.py): the same however it was packed. "" for an empty image."""


@dataclass(frozen=True)
class Container:
    name: str
    image: str
    image_id: str
    state: str
    status: str
    service: str


@dataclass(frozen=True)
class Node:
    """A machine with a Docker Engine."""

    name: str
    images: tuple[Image, ...]
    containers: tuple[Container, ...]

    def image(self, reference: str) -> Image | None:
        """The image with this tag (myapp:latest) or repository digest (myapp@sha256:…)."""
        return next((one for one in self.images if reference in one.tags or reference in one.digests), None)

    @property
    def tags(self) -> list[str]:
        return sorted(tag for image in self.images for tag in image.tags)


@dataclass(frozen=True)
class Event:
    """One line of the access log. `machine` is the lab's machine it came from, "" for another."""

    seq: int
    time: float
    action: str
    registry: str
    machine: str
    user: str | None
    repository: str
    reference: str
    digest: str
    status: int
    reason: str
    agent: str

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def from_engine(self) -> bool:
        """Whether a Docker Engine asked, and not a tool that speaks to the registry by itself."""
        return self.agent.startswith("docker/")

    @property
    def by_person(self) -> bool:
        """Whether somebody asked for it: an engine that pulls for the Swarm names no client behind it."""
        return not self.from_engine or "UpstreamClient" in self.agent


@dataclass(frozen=True)
class Manifest:
    digest: str
    kind: str
    config: str | None
    layers: tuple[str, ...]
    labels: dict[str, str]
    manifests: tuple[str, ...]
    content: str


@dataclass(frozen=True)
class Registry:
    """One registry of the lab: {repository: {tag: digest}}, and what was done to it."""

    key: str
    title: str
    repositories: dict[str, dict[str, str]]
    manifests: dict[str, Manifest]
    events: tuple[Event, ...]

    def contents(self, digest: str) -> set[str]:
        """What is in the image that this digest names, as `Image.content`: one for each platform of an index."""
        manifest = self.manifests.get(digest)
        if manifest is None:
            return set()
        children = [self.manifests[one] for one in manifest.manifests if one in self.manifests]
        return {one.content for one in (manifest, *children) if one.content}

    def tags(self, repository: str) -> list[str]:
        return sorted(self.repositories.get(repository, {}))

    def digest(self, repository: str, tag: str) -> str | None:
        return self.repositories.get(repository, {}).get(tag)

    def image_ids(self, digest: str) -> set[str]:
        """The ids that an engine may give to what this digest names: one, or one a platform of an index."""
        manifest = self.manifests.get(digest)
        if manifest is None:
            return set()
        children = [self.manifests[one] for one in manifest.manifests if one in self.manifests]
        return {one.config for one in (manifest, *children) if one.config}

    def pulls(self, repository: str, after: int = 0) -> list[Event]:
        """Successful pulls of a repository that somebody asked for, each with the tag or digest that was asked for.

        An engine asks for a tag's digest (head) and then for the manifest by digest (pull), unless it has that already:
        “up to date”. `docker service create` looks at an image in the same way, without an account, and then at its config
        only: that is no pull.
        """
        found = []
        mine = [one for one in self.events if one.repository == repository and one.ok and one.by_person]
        for source in sorted({(one.machine, one.agent) for one in mine}):
            events = [one for one in mine if (one.machine, one.agent) == source and one.action != "push"]
            for index, event in enumerate(events):
                if event.action == "head" and event.from_engine and not _fetched(events[index + 1 :], event):
                    found.append(event)
                elif event.action == "pull" and not self._only_looked(events[index:]):
                    head = [one for one in events[:index] if one.action == "head" and one.digest == event.digest]
                    found.append(replace(event, reference=head[-1].reference) if head else event)
        return sorted((one for one in found if one.seq > after), key=lambda one: one.seq)

    def _only_looked(self, events: list[Event]) -> bool:
        """Whether the pull that these events begin with was no pull: a look at the manifest and the config, unnamed."""
        pull, manifest = events[0], self.manifests.get(events[0].digest)
        blobs = [one.digest for one in takewhile(lambda one: one.action == "blob", events[1:])]
        return pull.user is None and manifest is not None and blobs == [manifest.config]


def _fetched(events: list[Event], head: Event) -> bool:
    """Whether the engine went on to fetch the manifest that it had asked about."""
    return bool(events) and events[0].action == "pull" and events[0].digest == head.digest


@dataclass(frozen=True)
class Task:
    """One task of a service: what the Swarm wants of it (`desired`) and what it is (`state`)."""

    id: str
    slot: int
    node: str
    image: str
    spec: str
    """What it is made from, in short (labkit/lab/looking/observe.py). "" in an observation from before labkit noted it."""
    desired: str
    state: str
    error: str
    message: str
    exit_code: int | None
    since: str
    created: str


@dataclass(frozen=True)
class Service:
    name: str
    image: str
    spec: str
    stack: str
    """The stack that it was deployed with, "" without one: Docker puts its name before the service's."""
    mode: str
    replicas: int | None
    constraints: tuple[str, ...]
    update_state: str
    update_message: str
    tasks: tuple[Task, ...] = field(default=())

    @property
    def reference(self) -> str:
        """The image as it was asked for, without the digest that the manager adds."""
        name, _, digest = self.image.partition("@")
        return name if ":" in name.rsplit("/", 1)[-1] or not digest else f"{name}@{digest}"

    @property
    def digest(self) -> str:
        return self.image.partition("@")[2]

    @property
    def current(self) -> list[Task]:
        """Tasks of what the service now asks for: those of before an update say nothing about it."""
        return [one for one in self.tasks if (one.image, one.spec) == (self.image, self.spec)]

    @property
    def moving(self) -> bool:
        """Whether the Swarm is still working on it: it updates, a task is on its way or ends, or one ended and comes back."""
        rest = {("running", "running")}
        open_ones = [one for one in self.tasks if one.desired in ("running", "ready")]
        return self.update_state == "updating" or any((one.desired, one.state) not in rest for one in open_ones)

    @property
    def running(self) -> list[Task]:
        """Tasks that run what the service now asks for."""
        return [one for one in self.current if one.state == "running" == one.desired]


@dataclass(frozen=True)
class Member:
    """A node as the Swarm's manager sees it."""

    name: str
    role: str
    availability: str
    state: str


@dataclass(frozen=True)
class Swarm:
    active: bool
    members: dict[str, Member]
    services: dict[str, Service]


def seal(data: dict[str, Any]) -> str:
    """A digest of everything but the seal itself."""
    told = json.dumps({key: value for key, value in data.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


class Observation:
    """See the module. `data` is JSON: what `labkit observe` prints."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    @classmethod
    def parse(cls, text: str) -> "Observation":
        """Reads what `labkit observe` printed. Raises LabError that says what is wrong with it."""
        fix = "labkit observe > observation.json   (makes a new one)"
        try:
            data = json.loads(text)
        except ValueError as error:
            raise LabError(f"This is not an observation: {error}.", fix) from error
        if not isinstance(data, dict) or "schema" not in data:
            raise LabError("This is not an observation: it names no schema.", fix)
        if data["schema"] != SCHEMA:
            raise LabError(f"This observation has schema {data['schema']!r}, this labkit reads {SCHEMA}.", fix)
        value = cls(data)
        try:
            value._read_everything()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LabError(f"This observation is damaged: {type(error).__name__} at {error}.", fix) from error
        if data.pop("seal", None) != seal(data):
            raise LabError("This observation was changed after it was made: its seal does not fit.", fix)
        return value

    def _read_everything(self) -> None:
        for name, node in self.data["nodes"].items():
            if "error" not in node:
                self.node(name)
        for key in self.data["registries"]:
            self.registry(key)
        if "error" not in self.data["swarm"]:
            _ = self.swarm
        for slug in self.data["answers"]:
            self.answers(slug)
        _ = (self.taken, self.sign_ins(), self.started("01"))
        _ = (self.data["content"] + "", self.data["lab"]["name"] + "", self.data["machines"].keys(), self.person)

    def dump(self) -> str:
        """JSON, with a seal over all of it: a change by accident or by hand is noticed. Who makes the seal anew is not."""
        return json.dumps({**self.data, "seal": seal(self.data)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @cached_property
    def person(self) -> Person:
        """Whose lab it is."""
        return Person(**self.data["lab"].get("person", {}))

    @cached_property
    def impersonal(self) -> "Observation":
        """The same lab as if it were the default's: what checks judge. Its person, and so its mark, stays."""
        if not self.person.learner:
            return self
        data = {**self.data, "lab": {}}
        swapped = json.loads(self.person.swap(json.dumps(data, ensure_ascii=False)))
        return Observation({**swapped, "lab": self.data["lab"]})

    @property
    def taken(self) -> str:
        """When the lab was looked at, ISO 8601, UTC."""
        return str(self.data["taken"])

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The access log. Raises Unobserved where the edge did not answer."""
        self._need_edge()
        machines = self.data["machines"]
        events = [_event(one, machines) for one in self.data["log"] if one["action"] != "mark"]
        return tuple(sorted(events, key=lambda event: event.seq))

    def started(self, slug: str) -> int:
        """The number in the access log after which this exercise counts: where it was last reset, 0 where never."""
        marks = [one["seq"] for one in self.data["log"] if one["action"] == "mark" and slug in one["exercises"]]
        return int(max(marks, default=0))

    def registry(self, key: str) -> Registry:
        """Raises Unobserved where the edge did not answer."""
        self._need_edge()
        held = self.data["registries"][key]
        return Registry(
            key=key,
            title=held["title"],
            repositories={name: dict(tags) for name, tags in held["repositories"].items()},
            manifests=self._manifests,
            events=tuple(event for event in self.events if event.registry == key),
        )

    def _need_edge(self) -> None:
        if "error" in self.data["edge"]:
            raise Unobserved(self.data["edge"]["error"])

    @cached_property
    def _manifests(self) -> dict[str, Manifest]:
        return {digest: _manifest(digest, one) for digest, one in self.data["manifests"].items()}

    @cached_property
    def hub(self) -> Registry:
        """The lab's Docker Hub."""
        return self.registry("hub")

    @cached_property
    def private(self) -> Registry:
        """registry.lab:5000."""
        return self.registry("private")

    def sign_ins(self) -> dict[str, list[str]]:
        """{place: registries} that a sign-in is kept for; "here" is the lab's own Docker configuration."""
        return {place: [str(key) for key in keys] for place, keys in self.data["sign_ins"].items()}

    def node(self, name: str) -> Node:
        """Raises Unobserved where the machine did not answer."""
        held = self.data["nodes"].get(name, {"error": f"{name} is no machine of this lab"})
        if "error" in held:
            raise Unobserved(held["error"])
        return Node(
            name, tuple(_image(one) for one in held["images"]), tuple(Container(**one) for one in held["containers"])
        )

    @cached_property
    def workstation(self) -> Node:
        return self.node("workstation")

    def workers(self) -> Iterator[Node]:
        for name in sorted(self.data["nodes"]):
            if name != "workstation":
                yield self.node(name)

    @property
    def sample(self) -> str:
        """The sample app's content. Raises Unobserved where the edge did not answer."""
        self._need_edge()
        return str(self.data["sample"])

    @cached_property
    def swarm(self) -> Swarm:
        """Raises Unobserved where the manager did not answer."""
        held = self.data["swarm"]
        if "error" in held:
            raise Unobserved(held["error"])
        tasks: dict[str, list[Task]] = {}
        for one in held["tasks"]:
            tasks.setdefault(one["service"], []).append(_task(one))
        return Swarm(
            active=held["active"],
            members={
                name: Member(name, one["role"], one["availability"], one["state"])
                for name, one in held["nodes"].items()
            },
            services={name: _service(one, tasks.get(one["id"], [])) for name, one in held["services"].items()},
        )

    @property
    def moving(self) -> bool:
        """Whether the Swarm is still working on a service: what is there will be otherwise soon."""
        try:
            services = self.swarm.services.values()
        except Unobserved:
            return True
        return any(one.moving for one in services)

    def answers(self, slug: str) -> dict[str, str]:
        return {str(key): str(value) for key, value in self.data["answers"].get(slug, {}).items()}


def _event(line: dict[str, Any], machines: dict[str, str]) -> Event:
    return Event(
        seq=int(line["seq"]),
        time=float(line["time"]),
        action=line["action"],
        registry=line["registry"],
        machine=machines.get(line["client"], ""),
        user=line.get("user"),
        repository=line.get("repository", ""),
        reference=line.get("reference", ""),
        digest=line.get("digest", ""),
        status=int(line["status"]),
        reason=line.get("reason", ""),
        agent=line["agent"],
    )


def _manifest(digest: str, held: dict[str, Any]) -> Manifest:
    return Manifest(
        digest=digest,
        kind=held["kind"],
        config=held.get("config"),
        layers=tuple(held.get("layers", ())),
        labels=dict(held.get("labels", {})),
        manifests=tuple(held.get("manifests", ())),
        content=held.get("content", ""),
    )


def _image(held: dict[str, Any]) -> Image:
    return Image(
        held["id"],
        tuple(held["tags"]),
        tuple(held["digests"]),
        dict(held["labels"]),
        held["size"],
        held["content"],
    )


def _task(held: dict[str, Any]) -> Task:
    names = ("id", "slot", "node", "image", "desired", "state", "error", "message", "exit_code", "since", "created")
    return Task(**{name: held[name] for name in names}, spec=held.get("spec", ""))


def _service(held: dict[str, Any], tasks: list[Task]) -> Service:
    return Service(
        name=held["name"],
        image=held["image"],
        spec=held.get("spec", ""),
        stack=held["stack"],
        mode=held["mode"],
        replicas=held["replicas"],
        constraints=tuple(held["constraints"]),
        update_state=held["update_state"],
        update_message=held["update_message"],
        tasks=tuple(tasks),
    )
