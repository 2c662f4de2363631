"""Tries a learner's retention script on throw-away registries, and tells what is there after each run. Runs on the machine
`depot`.

    trial.py run [NAME …]     on these registries (registries.py), or all; keeps what was seen, and prints one line of JSON

It looks and does not judge. The script runs as an account of its own, in a folder of its own, with limits on its time, its
output, its files and its processes; what it leaves running is ended. Its network is the machine's.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from front import Front
from registries import Registry, every
from seed import Image, Shelf

SCRIPT = Path("/srv/retention")
KEPT = Path("/var/lib/depot/trial.json")
CONFIG = Path(__file__).parent / "throwaway.yml"

MEMORY = "/dev/shm"  # noqa: S108  (the machine's)
"""Where the registries lie: a deletion reads every tag of its repository. Nothing may be run there."""

DEADLINE = 60.0
"""Seconds that one run of the script may take."""
STARTING = 20.0
OUTPUT, SHOWN = 1024 * 1024, 1500
"""Bytes that it may print; letters of its end that are kept."""
FILES, PROCESSES = 64 * 1024 * 1024, 256
"""Bytes of a file that it writes, and processes that it may have at once."""
LARGEST = 1024 * 1024
"""Bytes of a script."""
ACCOUNT = 20_000
"""The first of the accounts as which scripts run: one for each registry, so that what a script leaves behind is known by it."""

LIMITED = ("prlimit", f"--nproc={PROCESSES}", f"--fsize={FILES}", "--core=0", "--")
NOT_STARTED = "prlimit: failed to execute "


def fingerprint(script: Path = SCRIPT) -> str:
    """The hash of the script, "" where there is none."""
    try:
        with script.open("rb") as source:
            return hashlib.sha256(source.read(LARGEST)).hexdigest()
    except OSError:
        return ""


def try_out(names: list[str]) -> dict[str, Any]:
    chosen = [one for one in every() if not names or one.name in names]
    begun = fingerprint()
    with ThreadPoolExecutor(2) as pool:
        accounts = range(ACCOUNT, ACCOUNT + len(chosen))
        tried = list(pool.map(_tried, chosen, accounts)) if begun else []
    return {"script": begun, "taken": datetime.now(UTC).isoformat(timespec="seconds"), "registries": tried}


def _tried(registry: Registry, account: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="trial-") as name, tempfile.TemporaryDirectory(dir=MEMORY) as held:
        place, store = Path(name), Path(held)
        place.chmod(0o755)
        shelf = Shelf(store)
        for image in registry.untagged:
            shelf.keep(registry.repository, image)
        for tag, image in registry.tags.items():
            shelf.keep(registry.repository, image, tag)
        with _served(store) as port:
            runs = _runs(registry, shelf, place, port, account)
        return {
            "name": registry.name,
            "images": [_told(image, registry.tags) for image in registry.images],
            "deployed": registry.deployed,
            "page": registry.page,
            "pushed": {"digest": registry.pushed.digest, "tags": list(registry.pushed_tags)}
            if registry.pushed
            else None,
            **runs,
        }


def _told(image: Image, tags: dict[str, Image]) -> dict[str, Any]:
    names = sorted(tag for tag, held in tags.items() if held.digest == image.digest)
    return {"digest": image.digest, "tags": names, "lists": list(image.lists), "created": image.created}


def _runs(registry: Registry, shelf: Shelf, place: Path, port: int, account: int) -> dict[str, Any]:
    """What was seen after the first run and, of a registry to which nothing was pushed, after the second."""
    moved = dict.fromkeys(registry.pushed_tags, registry.pushed)
    happened = threading.Event()

    def push() -> None:
        if registry.pushed:
            shelf.keep(registry.repository, registry.pushed, *registry.pushed_tags)
            happened.set()

    found: dict[str, Any] = {"first": None, "second": None}
    for which in ("first",) if registry.pushed else ("first", "second"):
        ran = _run(registry, place, port, account, push if which == "first" else lambda: None)
        tags = registry.tags | (moved if happened.is_set() else {})
        there, now = {*shelf.revisions(registry.repository)}, shelf.tags(registry.repository)
        known = {image.digest for image in registry.images} | ({registry.pushed.digest} if happened.is_set() else set())
        ran["gone"] = sorted(known - there)
        ran["untagged"] = sorted(
            tag for tag, image in tags.items() if image.digest in there and now.get(tag) != image.digest
        )
        ran["pushed"] = happened.is_set()
        found[which] = ran
        if ran["why"]:
            break
    return found


def _run(registry: Registry, place: Path, port: int, account: int, push: Any) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=place))
    deployed = folder / "deployed"
    deployed.write_text("".join(f"{digest}\n" for digest in registry.deployed))
    script = folder / "retention"
    shutil.copyfile(SCRIPT, script)
    if os.access(SCRIPT, os.X_OK) and SCRIPT.stat().st_mode & 0o111:
        script.chmod(0o755)
    for path in (folder, deployed, script):
        os.chown(path, account, account)
    front = Front(port, registry.page, push)
    try:
        words = [str(script), f"127.0.0.1:{front.port}", registry.repository, str(deployed)]
        ran = _ended(words, folder, account)
    finally:
        front.close()
    return {**ran, "deleted": front.deleted, "refused": front.refused}


def _ended(words: list[str], folder: Path, account: int) -> dict[str, Any]:
    """Runs a command to its end, or to its limit; what it leaves running is ended. `why`: start, time, output, or ""."""
    began = time.monotonic()
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
    }
    environment["TMPDIR"] = str(folder)
    process = subprocess.Popen(
        [*LIMITED, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
        user=account,
        group=account,
        extra_groups=[],
    )
    printed, why = bytearray(), ""
    timer = threading.Timer(DEADLINE, _end_all, [account])
    timer.start()
    assert process.stdout is not None
    with process.stdout as out:
        while chunk := out.read(64 * 1024):
            printed += chunk
            if len(printed) > OUTPUT:
                why = "output"
                _end_all(account)
                break
    code = process.wait()
    timer.cancel()
    seconds = time.monotonic() - began
    _end_all(account)
    why = why or ("time" if seconds >= DEADLINE else "")
    # Where the script lay is no learner's business, and differs each time.
    text = bytes(printed[-4 * SHOWN :]).decode(errors="replace").replace(f"{folder}/", "")[-SHOWN:]
    if text.startswith(NOT_STARTED):
        return {"code": -1, "seconds": 0.0, "why": "start", "output": text.rpartition(": ")[2].strip()}
    return {"code": code, "seconds": round(seconds, 2), "why": why, "output": text}


def _end_all(account: int) -> None:
    """Ends every process of an account, again and again until none is left: one may start others meanwhile."""
    until = time.monotonic() + 5
    while (found := _processes(account)) and time.monotonic() < until:
        for number in found:
            with contextlib.suppress(OSError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.02)


def _processes(account: int) -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with contextlib.suppress(OSError):
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
                if place.stat().st_uid == account and state != "Z":
                    found.append(int(place.name))
    return found


@contextlib.contextmanager
def _served(store: Path) -> Any:
    """A plain Distribution on that folder, at a free port, until the end; yields the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(store), "REGISTRY_HTTP_ADDR": f"127.0.0.1:{port}"}
    process = subprocess.Popen(
        ["docker-registry", "serve", str(CONFIG)],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + STARTING
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise
                time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


def main() -> None:
    match sys.argv[1:]:
        case ["run", *names]:
            told = try_out(names)
            KEPT.parent.mkdir(parents=True, exist_ok=True)
            fresh = KEPT.with_suffix(".new")
            fresh.write_text(json.dumps(told))
            fresh.replace(KEPT)
            print(json.dumps({"script": told["script"], "registries": [one["name"] for one in told["registries"]]}))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
