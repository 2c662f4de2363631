"""Plays scripts in the lab as a learner would type them, and brings exercises back to before they were begun."""

import contextlib
import fnmatch
import os
import signal
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.content.exercises import Exercise, every
from labkit.errors import LabError
from labkit.lab import contexts, environment
from labkit.lab import plan as topology
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import machines, provision
from labkit.work import answers
from labkit.work import attempts as progress

SEEDED = "library/"
"""Repositories of the Hub that the lab brings along."""

EVERYTHING: dict[str, Any] = {
    "sign_out": True,
    "services": ["*"],
    "repositories": ["*"],
    "images": ["*"],
    "containers": True,
    "answers": True,
}


def script(
    lab: Lab, file: Path, folder: Path, patience: float = 120, extra: dict[str, str] | None = None
) -> tuple[int, str]:
    """Runs a script with bash in `folder`, in the lab's environment. Returns its exit status and what it printed.

    In a personal lab with the learner's own names; with `extra` variables beside the lab's. Raises LabError where it does
    not end.
    """
    process = subprocess.Popen(
        ["bash", "-c", lab.person.swap(file.read_text())],
        cwd=folder,
        env={**environment.process(lab), **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise LabError(f"{file.name} did not end within {patience:.0f} s.", f"look into {file}") from error
    return process.returncode, output


def reset(lab: Lab, exercises: Iterable[Exercise], say: Any = lambda _: None) -> None:
    """Undoes what these exercises ask for, wherever it was done, and has their access log begin anew. Raises LabError."""
    for exercise in exercises:
        say(f"resetting {exercise.slug}")
        _undo(lab, exercise.reset)
        if exercise.reset.get("answers"):
            answers.forget(lab.work, exercise.slug)
    _mark(lab, [exercise.slug for exercise in exercises])
    progress.keep_reset(lab.work, [exercise.slug for exercise in exercises])


def reset_all(lab: Lab, say: Any = lambda _: None) -> None:
    """The whole lab as it was when it had just started: every image, service, repository, sign-in and answer."""
    say("clearing the lab")
    lab = provision.repair(lab, say)
    _undo(lab, EVERYTHING)
    machines.execute(lab.engine, lab.parts[topology.MANAGER].id, machines.LOAD_SAMPLE)
    slugs = [exercise.slug for exercise in every()]
    for slug in slugs:
        answers.forget(lab.work, slug)
    _mark(lab, slugs)
    progress.keep_reset(lab.work, slugs)


def _mark(lab: Lab, slugs: list[str]) -> None:
    with _telling(), lab.wire("edge") as wire:
        wire.request("POST", "/mark", {"exercises": slugs})


def _telling() -> Any:
    return _Telling()


class _Telling(contextlib.AbstractContextManager[None]):
    """Turns what an engine or the edge refuses into an error for people."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, WireError):
            raise LabError(f"The lab could not be reset: {error}", "labkit up   (it repairs the lab)") from error


def _undo(lab: Lab, settings: dict[str, Any]) -> None:
    with _telling():
        if settings.get("sign_out"):
            contexts.sign_out(lab.folder)
        if names := settings.get("services"):
            _remove_services(lab, names)
        with ThreadPoolExecutor(len(lab.nodes) + 1) as pool:
            done = [pool.submit(_clean_node, lab, part.machine, settings) for part in lab.nodes]
            if names := settings.get("repositories"):
                done.append(pool.submit(_remove_repositories, lab, names))
            for future in done:
                future.result()


def _remove_services(lab: Lab, names: list[str]) -> None:
    with lab.wire(topology.MANAGER) as wire:
        try:
            services = wire.get("/services")
        except WireError as error:
            if error.status == 503:
                return  # no Swarm, no services
            raise
        for service in services:
            if any(fnmatch.fnmatchcase(service["Spec"]["Name"], name) for name in names):
                wire.request("DELETE", f"/services/{service['ID']}")


def _clean_node(lab: Lab, machine: str, settings: dict[str, Any]) -> None:
    with lab.wire(machine) as wire:
        if settings.get("sign_out"):
            command = ["rm", "-f", "/root/.docker/config.json"]
            machines.execute(lab.engine, lab.parts[machine].id, command)
        if settings.get("containers"):
            for container in wire.get("/containers/json?all=1"):
                _delete(wire, f"/containers/{container['Id']}?force=1&v=1")
        if patterns := settings.get("images"):
            for image in wire.get("/images/json"):
                _remove_names(wire, image, patterns)


def _remove_names(wire: Wire, image: dict[str, Any], patterns: list[str]) -> None:
    tags = image.get("RepoTags") or []
    named = [tag for tag in tags if any(_fits(tag, pattern) for pattern in patterns)]
    digests = [one for one in image.get("RepoDigests") or [] if any(_fits(one.split("@")[0], p) for p in patterns)]
    for name in named:
        _delete(wire, f"/images/{quote(name, safe='')}?force=1")
    if set(named) == set(tags) and (digests or "*" in patterns):
        _delete(wire, f"/images/{image['Id']}?force=1")


def _fits(name: str, pattern: str) -> bool:
    """Whether a name, with or without its tag, is meant by the pattern."""
    repository = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(repository, pattern)


def _delete(wire: Wire, path: str) -> None:
    try:
        wire.request("DELETE", path)
    except WireError as error:
        if error.status not in (404, 409):  # gone already, or in use by what is just ending
            raise


def _remove_repositories(lab: Lab, names: list[str]) -> None:
    with lab.wire("edge") as wire:
        held = wire.get("/observation?sections=registries")["registries"]["known"]
        doomed = [
            [registry, repository]
            for registry, one in held.items()
            for repository in one["repositories"]
            if not repository.startswith(SEEDED)
            and any(fnmatch.fnmatchcase(repository.rpartition("/")[2], name) for name in names)
        ]
        if doomed:
            wire.request("POST", "/remove", {"repositories": doomed})
