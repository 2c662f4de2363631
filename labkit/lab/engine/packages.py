"""The distribution's packages, on a Debian and as root."""

import os
import subprocess

from labkit.errors import LabError

PATIENCE = 120
"""Seconds for whoever else installs something just then: a new machine updates itself."""


def known(name: str) -> bool:
    _apt("update")
    found = subprocess.run(["apt-cache", "show", name], capture_output=True, check=False)
    return found.returncode == 0


def _apt(*words: str) -> None:
    result = subprocess.run(
        ["apt-get", "-q", "-o", f"DPkg::Lock::Timeout={PATIENCE}", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    # `update` also fails when one of many sources does; the install that follows tells whether it matters.
    if result.returncode and words[0] != "update":
        lines = result.stderr.strip().splitlines()
        raise LabError(
            f"Debian's packages could not be installed: {lines[-1] if lines else 'apt-get failed'}",
            f"apt-get {' '.join(words)}",
        )


def install(*packages: str) -> None:
    """Installs the distribution's packages. Raises LabError."""
    _apt("update")
    _apt("install", "-y", *packages)
