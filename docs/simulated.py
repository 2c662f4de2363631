#!/usr/bin/env python3
"""Makes labkit/classroom/recorded.json.xz, what the simulated class plays, from the corpus's recordings.

    .venv/bin/python docs/simulated.py

A test compares the file with what is made.
"""

import json
import lzma
from pathlib import Path

from labkit.authoring import recordings

FILE = Path(__file__).parents[1] / "labkit/classroom/recorded.json.xz"

PLAYED = {
    "01-login": ("right-as-printed", "right-password-stdin", "right-after-a-wrong-password",
        "wrong-password", "wrong-registry", "wrong-user", "wrong-as-colleague"),
    "02-tag": ("right-as-printed", "right-docker-io", "right-corrected",
        "wrong-no-namespace", "wrong-typo", "wrong-version", "wrong-only-latest"),
    "03-push": ("right-as-printed", "right-after-a-refusal", "right-quiet",
        "wrong-not-signed-in", "wrong-no-namespace", "wrong-tag", "wrong-latest",
        "wrong-other-image", "wrong-namespace"),
    "04-pull": ("right-docker-io", "right-by-digest", "right-on-worker1",
        "wrong-tag", "wrong-typo", "wrong-missing", "wrong-swarm", "wrong-removed"),
    "05-deploy": ("right-as-printed", "right-by-digest", "right-stack",
        "wrong-replicas", "wrong-crash", "wrong-name", "wrong-latest",
        "wrong-constraint", "wrong-local-image"),
}  # fmt: skip
"""The most frequent ways, right and wrong, of the five exercises that everybody begins with."""


def made() -> bytes:
    """The same recordings give the same bytes."""
    chosen = {}
    for slug, names in PLAYED.items():
        held = recordings.load(slug)
        chosen[slug] = {name: held[name] for name in names}
    return lzma.compress(json.dumps(chosen, sort_keys=True, separators=(",", ":")).encode(), preset=9)


if __name__ == "__main__":
    FILE.write_bytes(made())
    print(f"{FILE}: {FILE.stat().st_size:,} bytes")
