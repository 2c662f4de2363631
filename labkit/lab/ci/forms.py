"""The two forms in which a repository may say what its runs do, and how each is run: GitHub's by act, GitLab's by gitlab.py.
Runs on its own in the lab, and imports nothing of labkit."""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import gitlab  # noqa: E402  (it lies beside this program)

LOCAL = {
    "docker/login-action": ("v2", "v3", "v4"),
    "docker/build-push-action": ("v4", "v5", "v6"),
    "docker/setup-buildx-action": ("v2", "v3"),
}
"""Actions that the machine has stand-ins of (actions/), in these versions. act itself stands in for actions/checkout."""

LIBRARIES = "/opt/packages"
"""The packages of gitlab.py."""

COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NO_ENGINE = "Couldn't get a valid docker connection"
"""What act says because it looks for DOCKER_HOST. Here docker finds its engine by a context, and act needs none."""


class Heard(NamedTuple):
    """What a runner tells. `kind`: "out", printed by a step; "says", by the runner; "step", with its job and its state."""

    kind: str
    text: str = ""
    job: str = ""
    state: str = ""


class GitHub:
    """Workflows in .github/workflows, run by act."""

    name = "GitHub Actions"
    mask = "***"
    """What the runner prints in the place of a secret. act does so by itself."""

    def files(self, clone: Path) -> list[Path]:
        return [file for file in sorted((clone / ".github" / "workflows").glob("*.y*ml")) if _inside(file, clone)]

    def group(self, files: list[Path], told: dict[str, Any]) -> tuple[str, bool]:
        """The concurrency group of a run, "" for none, and whether it cancels what runs. act does not know groups, so
        run_commit.py keeps them; a job's is taken for its workflow's."""
        for file in files:
            try:
                workflow = read(file)
                said = [workflow, *workflow["jobs"].values()]
                found = next(one["concurrency"] for one in said if one.get("concurrency"))
            except (LookupError, TypeError, AttributeError, ValueError, StopIteration):
                continue  # act says what is wrong with it
            table = found if isinstance(found, dict) else {"group": found}
            return _filled(str(table.get("group", "")), told), str(
                table.get("cancel-in-progress", "")
            ).lower() == "true"
        return "", False

    def command(self, scratch: Path, told: dict[str, Any]) -> list[str]:
        stand_ins = [
            f"--local-repository={name}@{version}={HERE / 'actions' / name.split('/')[1]}"
            for name, versions in LOCAL.items()
            for version in versions
        ]
        return [*("act", "push", "-P", "ubuntu-latest=-self-hosted", "--action-offline-mode", "--pull=false"),
                *("--no-cache-server", "--json", f"--secret-file={scratch / 'secrets'}"),
                *(f"--var-file={scratch / 'variables'}", *stand_ins)]  # fmt: skip

    def environment(self, secrets: dict[str, str], variables: dict[str, str]) -> dict[str, str]:
        return {}

    def heard(self, line: str) -> Iterable[Heard]:
        """Of a line of act's, which is JSON."""
        try:
            said = json.loads(line)
        except ValueError:
            yield Heard("says", f"act: {line.rstrip()}")
            return
        text = plain(str(said.get("msg", "")))
        if text.startswith(NO_ENGINE):
            return
        if said.get("raw_output"):
            yield Heard("out", text)
        elif said.get("level") in ("error", "warning"):
            yield Heard("says", text)
        elif said.get("step") and not said.get("stepid") and said.get("stage") == "Main":
            yield Heard("step", str(said["step"]), str(said.get("jobID", "")), said.get("stepResult") or "running")


class GitLab:
    """A pipeline in .gitlab-ci.yml, run by gitlab.py. Its jobs are the steps, and its stages the jobs of a run's record."""

    name = "GitLab CI"
    mask = "[MASKED]"
    """bitrab masks nothing, so run_commit.py does what GitLab's runner does."""

    def files(self, clone: Path) -> list[Path]:
        file = clone / gitlab.FILE
        return [file] if file.is_file() and _inside(file, clone) else []

    def group(self, files: list[Path], told: dict[str, Any]) -> tuple[str, bool]:
        try:
            named, cancels = gitlab.group(read(files[0]), told["branch"])
        except ValueError:
            return "", False  # gitlab.py says what is wrong with it
        known = {
            "CI_COMMIT_REF_NAME": told["branch"],
            "CI_COMMIT_BRANCH": told["branch"],
            "CI_COMMIT_SHA": told["commit"],
        }
        known |= {"CI_PIPELINE_ID": str(told["number"]), "CI_PIPELINE_IID": str(told["number"])}
        return gitlab.filled({"group": named}, known)["group"], cancels

    def command(self, scratch: Path, told: dict[str, Any]) -> list[str]:
        return [sys.executable, str(HERE / "gitlab.py"), ".", str(told["number"])]

    def environment(self, secrets: dict[str, str], variables: dict[str, str]) -> dict[str, str]:
        """As GitLab's CI/CD variables, of which the secrets are masked."""
        return {**variables, **secrets, "PYTHONPATH": LIBRARIES, "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}

    def heard(self, line: str) -> Iterable[Heard]:
        try:
            said = json.loads(line)
        except ValueError:
            yield Heard("says", f"{self.name}: {line.rstrip()}")
            return
        if "out" in said:
            yield Heard("out", plain(said["out"]))
        elif "says" in said:
            yield Heard("says", plain(said["says"]))
        else:
            yield Heard("step", said["job"], said["stage"], said["state"])


FORMS: dict[str, GitHub | GitLab] = {"github": GitHub(), "gitlab": GitLab()}


def found(clone: Path) -> list[str]:
    """The forms that a commit has files of."""
    return [key for key, form in FORMS.items() if form.files(clone)]


def refusal(clone: Path) -> tuple[str, str]:
    """Why nothing of a commit is run: a word for the grader, and a sentence; "" twice where something is. With files of both
    forms there are two pipelines, and which one is meant nobody can know."""
    there = found(clone)
    if not there:
        return "none", "There is no workflow in .github/workflows and no .gitlab-ci.yml, so nothing runs."
    if len(there) > 1:
        both = (
            "This repository has a workflow in .github/workflows and a .gitlab-ci.yml. GitHub would run the first, GitLab the"
            " second. The lab is both, and runs neither. Take away the one that you do not use: git rm -r .github   or  "
            " git rm .gitlab-ci.yml"
        )
        return "both", both
    if there == ["gitlab"]:
        try:
            said = gitlab.refusal(read(clone / gitlab.FILE))
        except ValueError:
            said = ""  # gitlab.py says what is wrong with it
        return ("old", said) if said else ("", "")
    return "", ""


def _inside(file: Path, clone: Path) -> bool:
    """Whether it is the commit's own: a link may lead to a file of the machine's."""
    return file.resolve().is_relative_to(clone.resolve())


def read(file: Path) -> Any:
    """What a YAML file says, of a tag of GitLab's (!reference) nothing. Raises ValueError."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda *_: None)
    try:
        return yaml.load(file.read_text(errors="replace"), Loader)  # noqa: S506  (it makes plain values only)
    except (yaml.YAMLError, OSError) as error:
        raise ValueError(str(error)) from error


def plain(text: str) -> str:
    """A line without colors, and of one that was written over its last state."""
    return COLORS.sub("", text).rstrip("\r\n").rpartition("\r")[2]


def _filled(text: str, told: dict[str, Any]) -> str:
    """A group's name with what `${{ github.… }}` in it means for this run."""
    values = {"ref": told["branch"], "ref_name": told["branch"], "head_ref": "", "sha": told["commit"]}
    values |= {"run_id": str(told["number"]), "run_number": str(told["number"])}

    def value(match: re.Match[str]) -> str:
        return str(values.get(match[1], match[1]))

    return re.sub(r"\$\{\{\s*github\.(\w+)\s*\}\}", value, text)
