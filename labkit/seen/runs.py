"""The section `runs`: the runs of workflows on the machine `ci`, and the last trial of the learner's pipeline.

A trial plays commits that the grader makes against a copy of the learner's repository (labkit/lab/playing/trial.py). It keeps
what was seen after each of them, so it can be judged later as everything else that was seen.
"""

import msgspec

SUCCESS = "success"
MOVING = ("queued", "running")
BRANCH = "main"
"""The branch that is graded."""

SHORTEST = 7
"""Letters of a commit's id that are enough for a tag, as git itself shortens it."""

PARTS = ("failing", "good", "again", "rotten", "later")
"""The parts of a trial, each of which may be asked for; the last is two pushes at once."""


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a job. `state`: running, success, failure, skipped."""

    job: str
    step: str
    state: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a commit's workflows. `state`: queued, running, success, failure, cancelled, timeout."""

    number: int
    commit: str
    branch: str
    subject: str
    """The commit's message, its first line."""
    state: str
    began: str
    seconds: float
    stages: tuple[Stage, ...]
    log: str
    """The end of what was printed, without secrets."""
    leaks: tuple[str, ...]
    """Forms in which a secret was printed: plain, base64, backwards, pieces, …"""
    form: str = "github"
    """Whose form the workflow is in: github or gitlab; "" where nothing ran."""
    refused: str = ""
    """Why nothing ran: none (no workflow), both (one of each form), old (`only:`), which a runner would get wrong."""

    @property
    def good(self) -> bool:
        return self.state == SUCCESS

    @property
    def over(self) -> bool:
        return self.state not in MOVING

    @property
    def failed(self) -> str:
        """The step that failed first, as "job: step"; "" if none did."""
        return next((f"{one.job}: {one.step}" for one in self.stages if one.state == "failure"), "")


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that was pushed while a commit was played."""

    registry: str
    repository: str
    reference: str
    digest: str


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of a trial, and what the lab held once its run was over and the Swarm at rest.

    `kind`: failing (its test fails), good, again (the good one once more), rotten (its smoke test fails), earlier and later
    (two pushes at once; what was seen is from after both).
    """

    kind: str
    version: str
    run: Run
    tested: tuple[str, ...]
    """Ids of the images that were given to test.sh."""
    pushed: tuple[Pushed, ...]
    tags: dict[str, str]
    """{tag: digest} of shop on Docker Hub."""
    configs: dict[str, str]
    """{digest: the image's id} of these tags."""
    before: str
    """The image of the service shop before, as the Swarm has it; "" without one."""
    service: str
    """The same afterwards."""
    replicas: int
    running: tuple[str, ...]
    """The images of the service's running tasks."""
    services: tuple[str, ...]
    """The names of all services."""
    image_leaks: tuple[str, ...] = ()
    """Forms in which a secret is in the images that were pushed."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The last trial. `head` is the commit of the learner's repository that it was played on."""

    head: str
    taken: str
    file_leaks: tuple[str, ...]
    """Files of that commit that have a secret in them."""
    played: tuple[Played, ...]

    def of(self, kind: str) -> Played | None:
        return next((one for one in self.played if one.kind == kind), None)


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """`heads` are the repository's branches: {name: commit}. Empty in a lab without the machine `ci`."""

    there: bool = False
    """Whether the lab has that machine. Not known of old observations."""
    heads: dict[str, str] = {}
    runs: tuple[Run, ...] = ()
    """Of the learner's pushes, oldest first."""
    trial: Trial | None = None

    @property
    def newest(self) -> Run | None:
        """The newest run of what the branch main now has."""
        return next((run for run in reversed(self.runs) if run.commit == self.heads.get(BRANCH)), None)

    @property
    def passes(self) -> bool:
        """Whether that run succeeded."""
        return self.newest is not None and self.newest.good

    @property
    def moving(self) -> bool:
        """Whether a run goes on."""
        return any(not run.over for run in self.runs)
