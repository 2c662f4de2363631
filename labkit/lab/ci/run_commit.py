"""A program of the machine `ci`: runs the workflow of a commit that was pushed (forms.py), and keeps a record of the run.

    run_commit.py prepare             makes the learner's repository, where there is none
    run_commit.py receive             as a repository's post-receive hook: its standard input names what was pushed
    run_commit.py run COMMIT BRANCH   runs a commit once more, in the repository that is the current folder
    run_commit.py clear               forgets repository, runs and trials
    run_commit.py told                prints what there is, as JSON in one line

It runs on its own there, so it imports nothing of labkit. A repository lies at PLACE/shop.git, the records of its
runs beside it in PLACE/runs. What a record says is in labkit/seen/runs.py.

A workflow is somebody's program. It runs as a user of its own, another one for each run, who can read the repository and
change nothing here: not the records, not another run. What it leaves running ends with it.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import forms  # noqa: E402  (it lies beside this program)
from leaks import forms_in, hide  # noqa: E402

ROOT = Path("/srv")
APP, TRIAL = ROOT / "app", ROOT / "trial"
REPOSITORY = "shop.git"

LIMIT = 60.0
"""A run may take this many seconds; what still runs then is ended."""

LONGEST = 16 * 1024
"""Letters of a run's log that are kept: its end."""

KEPT = 12
"""Runs of which the records are kept."""

MACHINES = ("workstation", *(f"worker{number}" for number in range(1, 6)))
KEYS = Path("/lab/pki")
DOCKER = Path("/run/docker-contexts")

USERS = {"app": 20_000, "trial": 30_000}
"""A run's user is this number, by its place, and the run's own."""

QUEUED, RUNNING, SUCCESS, FAILURE, CANCELLED, TIMEOUT = (
    "queued",
    "running",
    "success",
    "failure",
    "cancelled",
    "timeout",
)


def secrets() -> dict[str, str]:
    """What a workflow gets as `secrets.NAME`."""
    return {"REGISTRY_PASSWORD": os.environ["LAB_PASSWORD"]}


def variables() -> dict[str, str]:
    """What a workflow gets as `vars.NAME`."""
    return {"REGISTRY_USER": os.environ["LAB_ACCOUNT"]}


# ── repositories ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def git(*words: str, folder: Path | None = None) -> str:
    """What git prints. Raises subprocess.CalledProcessError."""
    ran = subprocess.run(["git", *words], cwd=folder, env=clean(), capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def clean() -> dict[str, str]:
    """This process's environment without what git tells its hooks: else a git in a clone would mean the hook's repository."""
    return {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}


def make(place: Path, source: Path | None = None) -> Path:
    """A bare repository with the hook, empty or as a copy of another. Returns its folder."""
    repository = place / REPOSITORY
    place.mkdir(parents=True, exist_ok=True)
    (place / "runs").mkdir(mode=0o700, exist_ok=True)
    if not (repository / "HEAD").exists():
        git("init", "--bare", str(repository)) if source is None else git(
            "clone", "--bare", str(source), str(repository)
        )
        shutil.copy(HERE / "post-receive", repository / "hooks" / "post-receive")
    return repository


def clear() -> None:
    """Ends what runs, forgets everything, and makes an empty repository."""
    for record in ROOT.glob("*/runs/*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            told = json.loads(record.read_text())
            if told["state"] in (QUEUED, RUNNING) and told.get("process"):
                end_all_of(USERS[record.parents[1].name] + told["number"] % 10_000)
    for folder in (APP, TRIAL):
        shutil.rmtree(folder, ignore_errors=True)
    make(APP)


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Run:
    """One run of a commit's workflows, and its record."""

    def __init__(self, repository: Path, commit: str, branch: str) -> None:
        self.repository, self.runs = repository, repository.parent / "runs"
        self.told: dict[str, Any] = {
            "number": 0,
            "commit": commit,
            "branch": branch,
            "subject": git("log", "-1", "--format=%s", commit, folder=repository)[:100],
            "state": QUEUED,
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": 0.0,
            "stages": [],
            "log": "",
            "leaks": [],
            "form": "",
            "refused": "",
        }
        with locked(self.runs / "numbers"):
            numbers = sorted(int(file.stem) for file in self.runs.glob("*.json"))
            self.told["number"] = numbers[-1] + 1 if numbers else 1
            self.save()
            for old in numbers[:-KEPT]:
                (self.runs / f"{old}.json").unlink(missing_ok=True)
        self.lines: list[str] = []
        self.raw: list[str] = []
        self.began = time.monotonic()

    def save(self) -> None:
        """Whole or not at all: it is read at any time."""
        file = self.runs / f"{self.told['number']}.json"
        fresh = file.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(self.told))
        fresh.replace(file)

    def end(self, state: str, says: str = "") -> None:
        if says:
            self.say(says)
        self.told |= {
            "state": state,
            "seconds": round(time.monotonic() - self.began, 1),
            "log": "".join(self.lines)[-LONGEST:],
            "process": 0,
        }
        self.save()

    def say(self, text: str) -> None:
        self.lines.append(text + "\n")
        print(text, flush=True)

    def go(self) -> str:
        """Runs the commit's workflows, each job in its turn. Returns the state in which it ended."""
        with tempfile.TemporaryDirectory(prefix="run-") as scratch:
            clone = Path(scratch) / "shop"
            git("clone", "--quiet", "--no-hardlinks", str(self.repository), str(clone))
            git("checkout", "--quiet", "-B", self.told["branch"], self.told["commit"], folder=clone)
            self.say(f"Run {self.told['number']} of commit {self.told['commit'][:7]}")
            word, why = forms.refusal(clone)
            if word:
                self.told["refused"] = word
                self.end(FAILURE, why)
                return FAILURE
            (self.told["form"],) = forms.found(clone)
            form = forms.FORMS[self.told["form"]]
            group, cancels = form.group(form.files(clone), self.told)
            with self.turn(group, cancels) as mine:
                if not mine:
                    self.end(CANCELLED, "A later commit of the same concurrency group takes its place.")
                    return CANCELLED
                return self.run(form, clone, Path(scratch))

    @contextlib.contextmanager
    def turn(self, group: str, cancels: bool) -> Iterator[bool]:
        """Waits for the other runs of its concurrency group. Gives False where a later one waits too: as on GitHub, that one
        takes its place."""
        if not group:
            yield True
            return
        self.told["group"] = group
        self.save()
        if cancels:
            for other in self.others(RUNNING):
                if other["number"] < self.told["number"] and other.get("process"):
                    (self.runs / f"{other['number']}.cancelled").touch()
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(other["process"], signal.SIGTERM)
        name = re.sub(r"\W+", "-", group)
        with locked(self.runs / f"group-{name}"):
            yield not any(other["number"] > self.told["number"] for other in self.others(QUEUED))

    def others(self, state: str) -> list[dict[str, Any]]:
        """The group's other runs in this state."""
        found = []
        for file in self.runs.glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                told = json.loads(file.read_text())
                if told["state"] == state and told.get("group") == self.told["group"]:
                    found.append(told)
        return [one for one in found if one["number"] != self.told["number"]]

    @property
    def user(self) -> int:
        """The number of the user as whom it runs."""
        return USERS[self.repository.parent.name] + int(self.told["number"]) % 10_000

    def run(self, form: "forms.GitHub | forms.GitLab", clone: Path, scratch: Path) -> str:
        for name, values in (("secrets", secrets()), ("variables", variables())):
            file = scratch / name
            file.touch(mode=0o600)
            file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        environment = self.environment(form, scratch)
        give(scratch, self.user)
        number = str(self.user)
        process = subprocess.Popen(
            ["setpriv", "--reuid", number, "--regid", number, "--clear-groups", "--no-new-privs", "--",
             *form.command(scratch, self.told)],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )  # fmt: skip
        self.told |= {"state": RUNNING, "process": process.pid}
        self.save()
        late = threading.Event()

        def stop() -> None:
            late.set()
            end_all_of(self.user)

        limit = threading.Timer(LIMIT, stop)
        limit.start()
        assert process.stdout is not None
        try:
            self.read(process.stdout, form)
            code = process.wait()
        finally:
            limit.cancel()
            end_all_of(self.user)  # also what a step left in the background
        self.told["leaks"] = leaks("".join(self.raw), "".join(self.lines))
        if late.is_set():
            state, says = TIMEOUT, f"Ended: it took longer than {LIMIT:.0f} seconds."
        elif (self.runs / f"{self.told['number']}.cancelled").exists():
            state, says = CANCELLED, "Cancelled for a later commit."
        else:
            state = FAILURE if code else SUCCESS
            says = "The run failed." if code else "The run succeeded."
        for stage in self.told["stages"]:
            if stage["state"] == RUNNING:
                stage["state"] = FAILURE
        self.lines = [hidden(line) for line in self.lines]
        self.end(state, says)
        return state

    def environment(self, form: "forms.GitHub | forms.GitLab", scratch: Path) -> dict[str, str]:
        """With a home of its own: a sign-in ends with the run that made it."""
        home, docker = scratch / "home", scratch / "docker"
        home.mkdir()
        contexts()
        shutil.copytree(DOCKER, docker)
        kept = {key: value for key, value in clean().items() if key not in ("LAB_PASSWORD", "LAB_KEYS")}
        return {
            **kept,
            "HOME": str(home),
            "DOCKER_CONFIG": str(docker),
            "BUILDKIT_PROGRESS": "plain",
            "XDG_CACHE_HOME": str(home / "cache"),
            **form.environment(secrets(), variables()),
        }

    def read(self, lines: IO[str], form: "forms.GitHub | forms.GitLab") -> None:
        """Follows what the runner tells. What it shows has the secrets masked, as its vendor's shows it; whatever form of them
        is left is a leak."""
        for line in lines:
            for heard in form.heard(line):
                text = masked(heard.text, form.mask)
                if heard.kind == "step":
                    self.step(heard.job, text.partition("\n")[0][:80], heard.state)
                    continue
                self.raw.append(f"{text}\n")
                self.say(f"  | {text}"[:500] if heard.kind == "out" else f"  {text}"[:500])

    def step(self, job: str, name: str, state: str) -> None:
        stages = self.told["stages"]
        found = next((one for one in stages if (one["job"], one["step"]) == (job, name)), None)
        if found is None and len(stages) < 60:
            stages.append(found := {"job": job, "step": name, "state": RUNNING})
            self.say(f"{job}: {name}")
        if found and state != RUNNING:
            found["state"] = state
            if state != SUCCESS:
                self.say(f"{job}: {name}: {state}")
        self.told["log"] = "".join(map(hidden, self.lines))[-LONGEST:]
        self.save()


def give(folder: Path, user: int) -> None:
    """Makes a folder and what is in it that user's."""
    os.chown(folder, user, user)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(place, name), user, user, follow_symlinks=False)


def end_all_of(user: int) -> None:
    """Ends every process of that user, and those that one started while it was ended."""
    for _ in range(20):
        found = False
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if folder.name.isdigit() and folder.stat().st_uid == user and not zombie(folder):
                    os.kill(int(folder.name), signal.SIGKILL)
                    found = True
        if not found:
            return


def zombie(process: Path) -> bool:
    """Whether it has ended, and only its parent has not asked."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def contexts() -> None:
    """A Docker context for each machine of the lab, the workstation's in use: by a guest's key, which opens engines only."""
    if (DOCKER / "config.json").exists():
        return
    with locked(Path("/run/docker-contexts.lock")):
        if (DOCKER / "config.json").exists():
            return
        environment = {**clean(), "DOCKER_CONFIG": str(DOCKER)}
        keys = ",".join(f"{name}={KEYS / file}.pem" for name, file in (("ca", "ca"), ("cert", "cert"), ("key", "key")))
        for machine in MACHINES:
            if subprocess.run(["getent", "hosts", machine], capture_output=True, check=False).returncode == 0:
                words = ["context", "create", machine, "--docker", f"host=tcp://{machine}:2376,{keys}"]
                subprocess.run(["docker", *words], env=environment, capture_output=True, check=True)
        subprocess.run(["docker", "context", "use", MACHINES[0]], env=environment, capture_output=True, check=True)


def records(place: Path) -> list[dict[str, Any]]:
    """The records of runs in that place, oldest first."""
    found = []
    for file in place.glob("runs/*.json"):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(file.read_text()))
    return sorted(found, key=lambda one: int(one["number"]))


def heads(repository: Path) -> dict[str, str]:
    """{branch: commit}"""
    lines = git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads", folder=repository).splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


def told() -> dict[str, Any]:
    trial = TRIAL / "trial.json"
    return {
        "heads": heads(APP / REPOSITORY),
        "runs": records(APP),
        "trial": json.loads(trial.read_text()) if trial.exists() else None,
    }


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def leaks(raw: str, log: str) -> list[str]:
    """In which forms a secret is in a run's log, as the runner shows it: only the plain one is masked."""
    found = [
        form for secret in secrets().values() for form in (*forms_in(raw, secret, pieces=True), *forms_in(log, secret))
    ]
    return sorted(set(found))


def masked(text: str, mask: str) -> str:
    """The text as a runner shows it. act masks what steps print, and not its own words, such as a step's name."""
    for secret in secrets().values():
        text = text.replace(secret, mask)
    return text


def hidden(line: str) -> str:
    for secret in secrets().values():
        line = hide(line, secret)
    return line


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def receive(repository: Path) -> None:
    for line in sys.stdin.read().splitlines():
        _, new, ref = line.split(" ", 2)
        if ref.startswith("refs/heads/") and set(new) != {"0"}:
            Run(repository, new, ref.removeprefix("refs/heads/")).go()


def main() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a run goes on where whoever pushed has gone
    match sys.argv[1:]:
        case ["prepare"]:
            make(APP)
        case ["clear"]:
            clear()
        case ["receive"]:
            receive(Path.cwd())
        case ["told"]:
            print("\n" + json.dumps(told()))
        case ["run", commit, branch]:
            Run(Path.cwd(), commit, branch).go()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
