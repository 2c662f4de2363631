"""Tries a learner's pipeline: plays commits against a copy of the repository, and keeps what the lab held after each.

It looks and does not judge; the exercise's checks do that, from what is kept (docs/decisions/0030-the-pipeline.md).
"""

import json
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import msgspec

from labkit.content.exercises import Exercise
from labkit.edge.facts import registries
from labkit.errors import LabError
from labkit.lab.engine import execute
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import observe
from labkit.lab.plan import CI
from labkit.seen import reference
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.runs import SHORTEST, SUCCESS, Played, Pushed, Run, Trial
from labkit.seen.swarm import Service

PROGRAM = ["python3", "-I", "/lab/ci/play.py"]
SECTIONS = ("registries", "swarm", "log")
SERVICE, APP = "shop", "shop"

PATIENCE = 150.0
"""Seconds that one step of the program may take: two runs at their limit, and some to spare."""

SETTLING = 15.0
"""Seconds that the Swarm may take to settle after a run."""

LONGEST, LOG = 1024 * 1024, 3000
"""Bytes that a step may tell; letters of a run's log that a trial keeps."""

AGAIN = "labkit check 10-pipeline   (again)"


def play(lab: Lab, exercise: Exercise, say: Say, only: Collection[str] = ()) -> bool:
    """Plays a trial on the lab; the Swarm's service is that of its last good commit afterwards. With `only`, of the commits
    beside the good one only these kinds are played ("later" for two at once). Returns whether there was
    anything to try: the machine that runs workflows, and a commit whose own run succeeded. Raises LabError."""
    if CI not in lab.plan.extras:
        return False
    runs = observe(lab, ["runs"]).runs
    if not (runs and runs.passes):
        return False
    files = {name: (exercise.folder / "files" / name).read_text() for name in exercise.trial}
    begun = _tell(lab, "begin", json.dumps(files))
    played: list[Played] = []
    number = f"{time.time():.0f}"
    last = _Seen(lab)
    for kind, version in VERSIONS.items():
        if only and kind not in (*only, GOOD):
            continue
        name = f"{version}-trial.{number}"
        say(TELLS[kind])
        told = _tell(lab, "commit", kind, name)
        now = _Seen(lab)
        played.append(now.after(kind, name, told, last))
        last = now
        if kind == GOOD and not _goes_on(played[-1]):
            return _keep(lab, begun, played)
    if only and LATER not in only:
        return _keep(lab, begun, played)
    say(TELLS[LATER])
    names = [f"{version}-trial.{number}" for version in ("v1.4.0", "v1.5.0")]
    with ThreadPoolExecutor(1) as beside:  # images that are there already are read while the next are being made
        scanned = _released(played)
        scan = beside.submit(_scan, lab, scanned)
        both = _tell(lab, "race", *names)
        now = _Seen(lab)
    for kind, name, told in zip(("earlier", "later"), names, both, strict=True):
        played.append(now.after(kind, name, told, last))
    return _keep(lab, begun, played, scanned, scan.result())


GOOD, LATER = "good", "later"
VERSIONS = {"failing": "v1.1.0", GOOD: "v1.2.0", "again": "v1.2.0", "rotten": "v1.3.0"}
"""The kinds of commits in the order in which they are played, with the version that each brings; then two at once."""

TELLS = {
    "failing": "trying your pipeline: a commit that fails its test",
    "good": "trying your pipeline: a good commit",
    "again": "trying your pipeline: the same commit once more",
    "rotten": "trying your pipeline: a release that fails its smoke test",
    "later": "trying your pipeline: two pushes at once",
}


def _goes_on(good: Played) -> bool:
    """Whether the rest can be tried: there is a release to come back to."""
    found = reference.parse(good.service)
    deployed = bool(found and found.digest and found.digest == good.tags.get(good.version))
    return good.run.state == SUCCESS and deployed and len(good.running) == good.replicas


def _released(played: list[Played]) -> frozenset[str]:
    """The digests that were pushed to the Hub."""
    released = (one for each in played if each.kind != "failing" for one in each.pushed)
    return frozenset(one.digest for one in released if one.registry == "hub")


def _scan(lab: Lab, digests: frozenset[str]) -> list[str]:
    """Forms of a secret in these images. Raises LabError."""
    name = f"{registries()['hub'].host}/{lab.person.username}/{APP}"
    return list(_tell(lab, "scan", *(f"{name}@{digest}" for digest in sorted(digests)))) if digests else []


def _keep(
    lab: Lab,
    begun: dict[str, Any],
    played: list[Played],
    scanned: frozenset[str] = frozenset(),
    leaks: Sequence[str] = (),
) -> bool:
    """Keeps the trial; of its images those that were `scanned` already, with what was found, are not read again."""
    found = {*leaks, *_scan(lab, _released(played) - scanned)}
    if played:
        played[-1] = msgspec.structs.replace(played[-1], image_leaks=tuple(sorted(found)))
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    trial = Trial(head=begun["head"], taken=taken, file_leaks=tuple(begun["file_leaks"]), played=tuple(played))
    _tell(lab, "keep", msgspec.json.encode(trial).decode())
    return True


def _tell(lab: Lab, *words: str) -> Any:
    """What the program prints, as a value. Raises LabError."""
    try:
        return execute.told(lab.engine, lab.running(CI).id, [*PROGRAM, *words], LONGEST, PATIENCE)
    except (WireError, ValueError) as error:
        told = f"Your pipeline could not be tried: the step “{words[0]}” on the machine {CI} did not answer ({error})."
        raise LabError(told, AGAIN) from error


def _rests(seen: SeenLab) -> bool:
    """Whether nothing will change any more: an update that is through is not waited for until the Swarm has watched it."""
    swarm = seen.observation.swarm
    return swarm is not None and all(service.through or not service.moving for service in swarm.services.values())


class _Seen:
    """The lab once the Swarm has settled."""

    def __init__(self, lab: Lab) -> None:
        self.repository = f"{lab.person.username}/{APP}"
        until = time.monotonic() + SETTLING
        while True:
            observation = observe(lab, SECTIONS)
            self.seen = SeenLab(observation)
            if _rests(self.seen) or time.monotonic() > until:
                break
            time.sleep(0.1)
        try:
            self.registry = self.seen.registries["hub"]
            self.last = max((event.seq for event in self.seen.events), default=0)
            self.swarm = self.seen.swarm
        except Unobserved as error:
            raise LabError(f"Your pipeline could not be tried: {error}", AGAIN) from error

    @property
    def service(self) -> Service | None:
        return self.swarm.services.get(SERVICE)

    @property
    def image(self) -> str:
        return self.service.image if self.service else ""

    def after(self, kind: str, version: str, told: dict[str, Any], before: "_Seen") -> Played:
        """What was seen after a commit was played, `told` by the program. Raises LabError."""
        if told["run"] is None:
            raise LabError("Your pipeline could not be tried: the push of a commit started no run.", AGAIN)
        run = msgspec.convert(told["run"], Run)
        tags = self.registry.repositories.get(self.repository, {})
        kept = {tag: digest for tag, digest in tags.items() if tag in (version, *_names(run.commit))}
        service = self.service
        return Played(
            kind=kind,
            version=version,
            run=msgspec.structs.replace(run, log=run.log[-LOG:]),
            tested=tuple(told["tested"]),
            pushed=tuple(
                Pushed(registry=one.registry, repository=one.repository, reference=one.reference, digest=one.digest)
                for one in self.seen.events
                if one.seq > before.last and one.action == "push" and one.ok
            ),
            tags=kept,
            configs={digest: id_ for digest in kept.values() for id_ in sorted(self.registry.image_ids(digest))[:1]},
            before=before.image,
            service=self.image,
            replicas=_wanted(service) if service else 0,
            running=tuple(sorted(task.image for task in service.tasks if task.state == "running")) if service else (),
            services=tuple(sorted(self.swarm.services)),
        )


def _wanted(service: Service) -> int:
    """How many tasks should run; for a global service, as many as the Swarm has assigned."""
    given = sum(1 for task in service.tasks if task.desired == "running")
    return given if service.replicas is None else service.replicas


def _names(commit: str) -> set[str]:
    """The tags that name a commit: its id, or the beginning of it."""
    return {commit[:length] for length in range(SHORTEST, len(commit) + 1)}
