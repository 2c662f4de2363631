"""The machine `depot`: a plain CNCF Distribution in which images may be deleted, with some images in it, to be cleaned up.

The registry is kept running as on the machine `mirror` (labkit/lab/image/mirror.py). At port 8080 it tells what its folder
holds, what was deleted and pushed, and the last trial of the learner's script (trial.py).

`depot.py fresh` makes the machine as it was at the start.
"""

import json
import re
import shutil
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), "/lab/bin"]
import mirror  # noqa: E402  (it lies in the lab image)
from seed import Shelf, archived, image, index, layer, sha256  # noqa: E402  (they lie beside this program)
from trial import KEPT, SCRIPT, fingerprint  # noqa: E402

FIRST = HERE / "depot.yml"
STORE = Path("/var/lib/registry")
REPOSITORY = "shop"
ARCHIVE = Path("/srv/demo.tar")
DEPLOYED = Path("/srv/deployed")

CACHED = re.compile(r"^[^#\n]*\bblobdescriptor:", re.MULTILINE)
CHANGED = re.compile(r'^(\S+) .*"(PUT|DELETE) /v2/(\S+)/(manifests)/(\S+) HTTP/[\d.]+" (\d{3}) .*"((?:\\.|[^"\\])*)"$')
"""A line of the registry's access log in which a manifest is pushed or deleted."""
ACTIONS = {"PUT": "push", "DELETE": "delete"}

SMALL, LARGE = 200_000, 1_000_000
"""Bytes of layers."""
WORDS = ("v1.0.0", "v1.1.0-first", "v1.1.0", "v1.2.0")
"""Its images, the oldest first."""
BROKEN_OFF = layer("broken-off", 2 * LARGE)
"""A layer of a push that never came to its manifest."""


class Depot(mirror.Registry):  # type: ignore[misc]  # of the lab image
    """The registry, and what was changed in it."""

    line = CHANGED

    def _keep(self, match: re.Match[str]) -> None:
        _, method, repository, _, reference, status, _ = match.groups()
        about = {"time": round(time.time(), 3), "action": ACTIONS[method], "status": int(status)}
        self.served.append({**about, "repository": repository, "reference": reference})

    def told(self) -> dict[str, object]:
        shelf = Shelf(STORE)
        address = mirror.ADDRESS.search(self.config)
        port = int(address[1]) if address else mirror.PORT
        blobs = shelf.blobs()
        revisions = {name: shelf.revisions(name) for name in shelf.repositories()}
        manifests = shelf.manifests({one for found in revisions.values() for one in found})
        try:
            trial = json.loads(KEPT.read_text())
        except (OSError, ValueError):
            trial = None
        return {
            "running": mirror.listens(port),
            "cached": bool(CACHED.search(self.config)),
            "repositories": {name: shelf.tags(name) for name in revisions},
            "revisions": revisions,
            "manifests": dict(sorted(manifests.items())),
            "blobs": blobs,
            "broken_off": sha256(BROKEN_OFF),
            "changes": list(self.served),
            "script": fingerprint(),
            "trial": trial,
        }


def fill() -> None:
    """The images that a learner finds here, and the archive to push one of them again from."""
    shelf = Shelf(STORE)
    base = layer("base", SMALL)
    images = {
        word: image([base, layer(word, LARGE)], f"2026-0{month}-01T12:00:00Z") for month, word in enumerate(WORDS, 1)
    }
    shelf.keep(REPOSITORY, images["v1.0.0"], "v1.0.0", "demo")
    shelf.keep(REPOSITORY, images["v1.1.0-first"])  # v1.1.0 was pushed twice
    shelf.keep(REPOSITORY, images["v1.1.0"], "v1.1.0")
    shelf.keep(REPOSITORY, images["v1.2.0"], "v1.2.0")
    parts = {
        kind: image([base, layer(f"v1.3.0-{kind}", LARGE)], "2026-06-01T12:00:00Z", kind) for kind in ("amd64", "arm64")
    }
    for part in parts.values():
        shelf.keep(REPOSITORY, part)
    shelf.keep(REPOSITORY, index(parts, "2026-06-01T12:00:00Z"), "v1.3.0", "latest")
    shelf.keep_blob(REPOSITORY, sha256(BROKEN_OFF), BROKEN_OFF)
    ARCHIVE.write_bytes(archived(images["v1.0.0"], "demo"))
    DEPLOYED.write_text(f"{images['v1.1.0'].digest}\n")


def fresh() -> None:
    shutil.copyfile(FIRST, mirror.CONFIG)
    shutil.rmtree(STORE / "docker", ignore_errors=True)
    for place in SCRIPT.parent.iterdir():
        shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()
    KEPT.unlink(missing_ok=True)
    fill()
    mirror.LOG.write_text("")
    mirror.start_anew()


def main() -> None:
    if not KEPT.parent.exists():  # once a container; started again it keeps what people did
        KEPT.parent.mkdir(parents=True)
        shutil.copyfile(FIRST, mirror.CONFIG)
        mirror.LOG.touch()
        fill()
    depot = Depot()
    threading.Thread(target=mirror.answer_at, args=(8080, depot), daemon=True).start()
    depot.run()


if __name__ == "__main__":
    fresh() if "fresh" in sys.argv else main()
