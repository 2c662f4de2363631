"""A program of the machine `ci`: runs the pipeline of a .gitlab-ci.yml, one job after the other, and tells what happens.

    gitlab.py FOLDER NUMBER    the commit's checkout, and the run's number

Each line that it prints is JSON: {"out": what a job printed}, {"job", "stage", "state"} when a job begins or ends, {"says": …}
for what is to be known beside that. Its exit status is 0 where the pipeline succeeded.

bitrab (https://bitrab.readthedocs.io, MIT) knows the language. What it lacks of GitLab's behaviour is added here: the stages
that are there without being named, whole conditions in `rules: if`, variables in variables, a fresh checkout for each job,
before_script in the script's shell, CI_JOB_STATUS. It knows no `only:` and `except:`, and would run such a job always: so
nothing is run then.
"""

import json
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

FILE = ".gitlab-ci.yml"
STAGES = [".pre", "build", "test", "deploy", ".post"]
OLD = ("only", "except")
"""GitLab's older words for `rules`."""

NO_JOBS = (
    "stages",
    "variables",
    "include",
    "image",
    "services",
    "workflow",
    "cache",
    "before_script",
    "after_script",
    "pages",
)
"""Top-level words that are no job (docs.gitlab.com/ci/yaml); `default` may have what a job has."""

ROUNDS = 5
"""Variables in variables are filled in this many times at most: a circle ends."""

Table = dict[str, Any]


class Refused(Exception):
    """The file asks for what this machine would not run as GitLab does. Its text is for the learner."""


# ── what a file says (pure) ──────────────────────────────────────────────────────────────────────────────────────────────


def jobs(said: Any) -> dict[str, Table]:
    """{name: what it says} of the jobs of a .gitlab-ci.yml, templates and `default` among them."""
    if not isinstance(said, dict):
        return {}
    return {str(name): one for name, one in said.items() if name not in NO_JOBS and isinstance(one, dict)}


def refusal(said: Any) -> str:
    """Why nothing of it is run; "" where it can be."""
    for name, one in jobs(said).items():
        for word in OLD:
            if word in one:
                return (
                    f"The job “{name}” uses {word}:, an older word that this runner does not know: it would run the job always."
                    ' Use rules: instead, for example   rules: [{if: $CI_COMMIT_BRANCH == "main"}]'
                )
    return ""


def group(said: Any, branch: str) -> tuple[str, bool]:
    """Which runs wait for each other ("" for none), and whether a later one cancels this. GitLab's resource_group is a job's;
    here it is taken for its run's. Where all jobs are interruptible, GitLab cancels what a later push of the branch made
    redundant."""
    every = jobs(said)
    default = every.get("default", {})
    cancels = [one.get("interruptible", default.get("interruptible")) for name, one in every.items() if "script" in one]
    redundant = bool(cancels) and all(one is True for one in cancels)
    named = next((str(one["resource_group"]) for one in every.values() if one.get("resource_group")), "")
    return named or (f"branch {branch}" if redundant else ""), redundant


def filled(values: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """The values with the variables in them filled in, by each other and by what is given."""
    found = {key: str(value.get("value", "") if isinstance(value, dict) else value) for key, value in values.items()}
    for _ in range(ROUNDS):
        known = {**given, **found}
        fresh = {
            key: string.Template(text).safe_substitute({k: v for k, v in known.items() if k != key})
            for key, text in found.items()
        }
        if fresh == found:
            break
        found = fresh
    return found


TOKEN = re.compile(
    r"""\s*(?:(?P<word>&&|\|\||==|!=|=~|!~|\(|\))|\$(?:\{(?P<braced>\w+)\}|(?P<variable>\w+))"""
    r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|/(?P<pattern>(?:\\.|[^/\\])+)/(?P<flags>i?)|(?P<null>null))"""
)


def holds(condition: str, variables: dict[str, str]) -> bool:
    """Whether a condition of `rules: if` is true (docs.gitlab.com/ci/jobs/job_rules). Raises Refused for what is none."""
    tokens, at = [], 0
    text = condition.strip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Refused(f"rules: if: {condition}   is not a condition that GitLab knows.")
        tokens.append(match)
        at = match.end()
    reading = _Reading(tokens, variables, condition)
    value = reading.any()
    if reading.left:
        raise reading.odd()
    return value


def lines(job: str, script: Any) -> list[str]:
    """A script's commands; a list in it, as !reference gives one, is part of it. Raises Refused."""
    found: list[str] = []
    for one in script:
        if isinstance(one, list):
            found += lines(job, one)
        elif isinstance(one, str):
            found.append(one)
        else:
            raise Refused(f"A line of the script of “{job}” is no text for YAML: {one}. Put the whole line in quotes.")
    return found


class _Reading:
    """Reads a condition from its tokens: || binds less than &&."""

    def __init__(self, tokens: list[re.Match[str]], variables: dict[str, str], condition: str) -> None:
        self.left, self.variables, self.condition = tokens, variables, condition

    def odd(self) -> Refused:
        return Refused(f"rules: if: {self.condition}   is not a condition that GitLab knows.")

    def word(self, *wanted: str) -> str:
        """The next token, taken, if it is one of these words; else ""."""
        if self.left and self.left[0]["word"] in wanted:
            return self.left.pop(0)["word"]
        return ""

    def any(self) -> bool:
        value = self.all()
        while self.word("||"):
            other = self.all()
            value = value or other
        return value

    def all(self) -> bool:
        value = self.one()
        while self.word("&&"):
            other = self.one()
            value = value and other
        return value

    def one(self) -> bool:
        if self.word("("):
            value = self.any()
            if not self.word(")"):
                raise self.odd()
            return value
        left = self.value()
        if asked := self.word("==", "!="):
            return (left == self.value()) is (asked == "==")
        if asked := self.word("=~", "!~"):
            if not self.left:
                raise self.odd()
            token = self.left.pop(0)
            name = token["variable"] or token["braced"]
            text = token["pattern"] if token["pattern"] else self.variables.get(name or "", "").strip("/")
            found = re.search(text, left or "", re.IGNORECASE if token["flags"] else 0)
            return bool(found) is (asked == "=~")
        return bool(left)

    def value(self) -> str | None:
        """A text; None for null and for a variable that is not there."""
        if not self.left:
            raise self.odd()
        token = self.left.pop(0)
        if name := token["variable"] or token["braced"]:
            return self.variables.get(name)
        if token["null"]:
            return None
        text = token["double"] if token["double"] is not None else token["single"]
        if text is None:
            raise self.odd()
        return text


# ── the run ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Out:
    """Tells what a job prints, line by line."""

    def __init__(self, told: IO[str], job: Any) -> None:
        self.told, self.begun = told, ""
        self.known = (f"🔧 Running job: {job.name} (stage: {job.stage})", "  🚀 Running script...")
        """What bitrab says of itself, and this program has said."""

    def write(self, text: str) -> None:
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            if line not in self.known:
                tell(self.told, {"out": line})

    def flush(self) -> None:
        pass

    def end(self) -> None:
        if self.begun:
            self.write("\n")


def tell(told: IO[str], value: Table) -> None:
    print(json.dumps(value), file=told, flush=True)


def planned(folder: Path, number: str, told: IO[str]) -> tuple[Any, Any]:
    """The pipeline of this push, and bitrab's keeper of its variables. Raises Refused, or what bitrab says is wrong."""
    from bitrab.config import rules
    from bitrab.config.capabilities import DiagnosticLevel, check_capabilities
    from bitrab.config.loader import ConfigurationLoader
    from bitrab.execution import variables
    from bitrab.plan import PipelineProcessor, apply_workflow_rules

    variables.load_dotenv_files = lambda _: {}  # GitLab reads no .env
    rules.evaluate_if = holds
    loader = ConfigurationLoader(base_path=folder)
    loader.offline = True
    said = loader.load_config(folder / FILE)
    if told_why := refusal(said):
        raise Refused(told_why)
    for one in check_capabilities(said):
        if one.level is DiagnosticLevel.ERROR:
            raise Refused(one.message)
        tell(told, {"says": f"not as on GitLab: {one.message}"})
    branch = git(folder, "branch", "--show-current")
    given = {
        "CI_PIPELINE_SOURCE": "push",
        "CI_PIPELINE_ID": number,
        "CI_PIPELINE_IID": number,
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_TAG": "",
        "CI_COMMIT_REF_NAME": branch,
        "CI_COMMIT_REF_SLUG": re.sub(r"[^a-z0-9]+", "-", branch.lower()).strip("-")[:63],
        "CI_PROJECT_NAME": "shop",
    }
    before = {word: said.pop(word) for word in ("before_script", "after_script") if word in said}
    said["default"] = {**before, **(said.get("default") or {})}
    names = [name for name in said.get("stages") or STAGES if name not in (".pre", ".post")]
    said["stages"] = [".pre", *names, ".post"]
    said["variables"] = {**(said.get("variables") or {}), **given}
    said, skipped = apply_workflow_rules(said, folder)
    if skipped:
        raise Refused("workflow: rules: say that this push starts no pipeline, so nothing runs.")
    said.pop("workflow", None)  # bitrab would take it for a job
    pipeline = PipelineProcessor().process_config(said)
    around = variables.VariableManager({}, project_dir=folder).shared_base_env
    pipeline.variables = {**filled(pipeline.variables, around), **given}
    manager = variables.VariableManager(pipeline.variables, project_dir=folder)
    for job in pipeline.jobs:
        if job.stage not in said["stages"]:
            raise Refused(f"The job “{job.name}” is of the stage “{job.stage}”, which stages: does not name.")
        rules.evaluate_rules(job, manager.shared_base_env, project_dir=folder)
        if missing := sorted({*job.needs} - {one.name for one in pipeline.jobs}):
            raise Refused(f"The job “{job.name}” needs “{missing[0]}”, and there is no such job.")
        job.variables = filled(job.variables, manager.shared_base_env)
        job.script = lines(job.name, [*job.before_script, *job.script])  # one shell for both
        job.before_script = []
        job.after_script = lines(job.name, job.after_script)
        if not job.script:
            raise Refused(f"The job “{job.name}” has no script:, so there is nothing that it could do.")
        if job.when == "manual":
            waits = f"The job “{job.name}” is manual: it waits for somebody to start it, and is left out here."
            tell(told, {"says": waits})
    if not any(job.when not in ("never", "manual") for job in pipeline.jobs):
        raise Refused("No job is part of this push's pipeline, so nothing runs: look at rules: and when:.")
    return pipeline, manager


def run(folder: Path, number: str, told: IO[str]) -> bool:
    """Runs the pipeline. Returns whether it succeeded. Raises as `planned` does."""
    from bitrab.execution import stage_runner
    from bitrab.execution.job import JobExecutor

    pipeline, manager = planned(folder, number, told)

    class Executor(JobExecutor):  # type: ignore[misc,unused-ignore]
        def execute_scripts(self, scripts: Any, env: dict[str, str], *rest: Any, **more: Any) -> None:
            env.setdefault("CI_JOB_STATUS", "running")
            try:
                super().execute_scripts(scripts, env, *rest, **more)
            except BaseException:
                env["CI_JOB_STATUS"] = "failed"
                raise
            env["CI_JOB_STATUS"] = "success"

    class Told(stage_runner.PipelineCallbacks):  # type: ignore[misc,unused-ignore]
        def on_job_start(self, job: Any) -> None:
            fresh(folder)
            tell(told, {"job": job.name, "stage": job.stage, "state": "running"})

        def make_output_writer(self, job: Any, job_dir: Path) -> Out:
            self.out = Out(told, job)
            return self.out

        def on_job_complete(self, outcome: Any) -> None:
            self.out.end()
            state = "success" if outcome.success and not outcome.allowed_failure else "failure"
            tell(told, {"job": outcome.job.name, "stage": outcome.job.stage, "state": state})

    executor = Executor(manager, project_dir=folder)
    runner = stage_runner.StagePipelineRunner(executor, Told(), maximum_degree_of_parallelism=1)
    try:
        runner.execute_pipeline(pipeline)
    except Exception as error:
        if type(error).__module__.startswith("bitrab"):
            return False
        raise
    return True


def fresh(folder: Path) -> None:
    """Each job begins with the commit's files; what is to go from one to the next is an artifact."""
    git(folder, "clean", "-ffdxq", "-e", ".bitrab")
    git(folder, "checkout", "--quiet", "--force", ".")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def problems(error: BaseException) -> Iterator[str]:
    """What is wrong with a file, in bitrab's words."""
    yield from (line for line in str(error).splitlines() if line.strip())


def main() -> None:
    told = sys.stdout
    sys.stdout = sys.stderr = Path("/dev/null").open("w")  # noqa: SIM115  (what bitrab prints, its callbacks tell)
    try:
        good = run(Path(sys.argv[1]).resolve(), sys.argv[2], told)
    except Refused as error:
        tell(told, {"says": str(error)})
        good = False
    except Exception as error:  # of many kinds: YAML's, the schema's, bitrab's own
        for line in [*problems(error)][:20]:
            tell(told, {"says": f"{FILE}: {line.replace(str(Path(sys.argv[1]).resolve()) + '/', '')}"})
        good = False
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
