"""A program of the machine `ci`: plays commits of the grader's against a copy of the learner's repository.

    play.py begin FILES            copies the repository; FILES is JSON: {name: text} of files that each commit brings
    play.py commit KIND VERSION    makes the commit, pushes it, and waits for its run; KIND as in labkit/seen/runs.py
    play.py race VERSION VERSION   pushes two commits, the second one while the first one is being tested
    play.py scan REPOSITORY@DIGEST …   looks for a secret in images
    play.py keep TRIAL             keeps what was seen, for run_commit.py to tell

Each prints JSON in its last line. What it pushes goes through the same hook as a learner's own pushes.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import run_commit as ci  # noqa: E402  (it lies beside this program)
from leaks import forms_in  # noqa: E402

WORK, TESTED, FILES = ci.TRIAL / "work", ci.TRIAL / "tested", ci.TRIAL / "files.json"
LATER_RAN = ci.TRIAL / "later-ran"

BRANCH = "main"
WAITING = 45
"""Seconds for which the earlier of two commits is tested at most: until the later one's run is over, or waits for its turn."""

QUEUING = 1.5
"""Seconds after which a run that is queued waits for another one."""

SAVED = 256 * 1024 * 1024
"""Bytes of an image that are looked through."""

BAD = "<!doctype html>\n<title>shop</title>\n<h1>Nothing to see</h1>\n"
"""A page that the app's test refuses."""

OTHER_PORT = '\nCMD ["sh", "-c", "trap \'exit 0\' TERM; httpd -f -p 8081 -h /www & wait"]\n'
"""Has the app listen where nobody asks: its test, which starts no server, is satisfied, and the smoke test is not."""

SLOW = f"""for each in $(seq {WAITING * 5}); do [ -e {LATER_RAN} ] && break; sleep 0.2; done
"""


def begin(files: dict[str, str]) -> dict[str, Any]:
    shutil.rmtree(ci.TRIAL, ignore_errors=True)
    TESTED.mkdir(parents=True)
    FILES.write_text(json.dumps(files))
    source = ci.APP / ci.REPOSITORY
    head = ci.heads(source).get(BRANCH, "")
    if not head:
        return {"head": "", "file_leaks": []}
    ci.make(ci.TRIAL, source)
    WORK.mkdir(mode=0o700)
    ci.git("clone", "--quiet", "--branch", BRANCH, str(ci.TRIAL / ci.REPOSITORY), str(WORK))
    return {"head": head, "file_leaks": secret_files()}


def secret_files() -> list[str]:
    found = []
    for name in ci.git("ls-files", folder=WORK).splitlines():
        with contextlib.suppress(OSError):
            text = "" if (WORK / name).is_symlink() else (WORK / name).read_text(errors="replace")
            if any(forms_in(text, secret) for secret in ci.secrets().values()):
                found.append(name)
    return found


def made(kind: str, version: str) -> str:
    """Makes a commit of that kind; returns its id."""
    for name, text in json.loads(FILES.read_text()).items():
        put(name, text)
    tested = TESTED / version
    tested.touch(mode=0o666)
    tested.chmod(0o666)  # a run's user writes it, each run's another one
    note = f'[ $# -eq 0 ] || docker image inspect --format "{{{{.Id}}}}" "$1" >> {tested}\n'
    slow = SLOW if kind == "earlier" else ""
    put("test.sh", f"#!/bin/sh\n{note}{slow}{(WORK / 'test.sh').read_text()}")
    put("VERSION", f"{version}\n")
    dockerfile = WORK / "Dockerfile"
    if kind == "failing":
        put("index.html", BAD)
    if dockerfile.is_file() and not dockerfile.is_symlink():
        own = dockerfile.read_text().replace(OTHER_PORT, "")
        put("Dockerfile", own + OTHER_PORT if kind == "rotten" else own)
    ci.git("add", "--all", folder=WORK)
    ci.git("commit", "--quiet", "--allow-empty", "--message", f"Trial: {kind} {version}", folder=WORK)
    return str(ci.git("rev-parse", "HEAD", folder=WORK))


def put(name: str, text: str) -> None:
    """Writes a file of the commit. What the learner has there may be a link or a folder: it goes, and what it led to stays."""
    file = WORK / name
    if file.is_symlink() or not file.is_dir():
        file.unlink(missing_ok=True)
    else:
        shutil.rmtree(file)
    file.write_text(text)


def push() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["git", "push", "--quiet", "origin", BRANCH],
        cwd=WORK,
        env=ci.clean(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def result(commit: str, version: str) -> dict[str, Any]:
    run = [one for one in ci.records(ci.TRIAL) if one["commit"] == commit][-1:]
    tested = (TESTED / version).read_text().split() if (TESTED / version).exists() else []
    return {"run": run[0] if run else None, "tested": sorted(set(tested))}


def play(kind: str, version: str) -> dict[str, Any]:
    if kind == "again":
        commit = ci.git("rev-parse", "HEAD", folder=WORK)
        command = [sys.executable, "-I", str(HERE / "run_commit.py"), "run", commit, BRANCH]
        subprocess.run(command, cwd=ci.TRIAL / ci.REPOSITORY, stdout=subprocess.DEVNULL, check=False)
    else:
        commit = made(kind, version)
        push().wait()
    return result(commit, version)


def queued(commit: str) -> bool:
    """Whether this commit's run waits for its turn."""
    return any(
        one["commit"] == commit and one["state"] == ci.QUEUED and one.get("group") for one in ci.records(ci.TRIAL)
    )


def race(earlier: str, later: str) -> list[dict[str, Any]]:
    commits = [made("earlier", earlier)]
    pushes = [push()]
    until = time.monotonic() + ci.LIMIT
    while not (TESTED / earlier).stat().st_size and pushes[0].poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    commits.append(made("later", later))
    pushes.append(push())
    since = time.monotonic()
    while pushes[1].poll() is None and time.monotonic() < since + QUEUING:
        if not queued(commits[1]):
            since = time.monotonic()
        time.sleep(0.1)
    LATER_RAN.touch()
    for one in pushes:
        one.wait()
    return [result(commit, version) for commit, version in zip(commits, (earlier, later), strict=True)]


def scan(images: list[str]) -> list[str]:
    """Forms of a secret in these images: their settings, their history and their layers."""
    ci.contexts()
    found: set[str] = set()
    environment = {**ci.clean(), "DOCKER_CONFIG": str(ci.DOCKER)}
    for image in images:
        command = ["docker", "image", "inspect", "--format", "{{.Id}}", image]
        there = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if there.returncode:
            subprocess.run(["docker", "pull", "--quiet", image], env=environment, capture_output=True, check=True)
            there = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        saving = subprocess.Popen(["docker", "save", there.stdout.strip()], env=environment, stdout=subprocess.PIPE)
        with saving:
            assert saving.stdout is not None
            text = saving.stdout.read(SAVED).decode("latin-1")
            saving.kill()
        for secret in ci.secrets().values():
            found.update(forms_in(text, secret, pieces=True))
    return sorted(found)


def main() -> None:
    said: Any
    match sys.argv[1:]:
        case ["begin", files]:
            said = begin(json.loads(files))
        case ["commit", kind, version]:
            said = play(kind, version)
        case ["race", earlier, later]:
            said = race(earlier, later)
        case ["scan", *images]:
            said = scan(images)
        case ["keep", trial]:
            fresh = ci.TRIAL / "trial.new"
            fresh.touch(mode=0o600)
            fresh.write_text(trial)
            fresh.replace(ci.TRIAL / "trial.json")
            said = None
        case _:
            sys.exit(__doc__)
    print("\n" + json.dumps(said))


if __name__ == "__main__":
    main()
