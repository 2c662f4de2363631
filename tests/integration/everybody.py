"""A labkit that every user of this machine can run: this one, or where root keeps its Python to itself, a copy."""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from helpers import ROOT

MOUNTED = []
"""What is shown at a second place, read-only: the newest last."""


@contextlib.contextmanager
def place(prefix):
    """A folder that every user can reach, thrown away afterwards."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    made.chmod(0o755)
    try:
        yield made
    finally:
        for target in [one for one in reversed(MOUNTED) if one.is_relative_to(made)]:
            subprocess.run(["umount", "--lazy", target], check=True)  # before anything in there is removed
            MOUNTED.remove(target)
        shutil.rmtree(made, ignore_errors=True)


def python(place):
    """(a Python with labkit, the environment that it needs, the course's folder), which `nobody` can run; None for the first if
    there is no way."""
    env = {"PYTHONPATH": str(ROOT)}
    if _runs(sys.executable, env):
        return sys.executable, env, ROOT
    _show(sys.base_prefix, place / "base")
    _show(
        sys.prefix, place / "venv"
    )  # with what packages bring beside their modules: JupyterLab's and JupyterHub's pages
    for folder in ("labkit", "exercises", "solutions", "notebooks"):
        _show(ROOT / folder, place / "course" / folder)
    whole = place / "python"
    whole.mkdir()
    for name, there in (("lib", "base"), ("share", "venv"), ("etc", "venv")):
        (whole / name).symlink_to(place / there / name)
    binaries = whole / "bin"
    binaries.mkdir()
    copied = binaries / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    copied.symlink_to(place / "base" / "bin" / copied.name)
    (binaries / "labkit").write_text(f'#!/bin/sh\nexec {copied} -m labkit "$@"\n')
    (binaries / "labkit").chmod(0o755)
    libraries = place / "venv" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    env = {
        "PYTHONHOME": str(whole),
        "LD_LIBRARY_PATH": str(whole / "lib"),
        "PYTHONPATH": f"{place / 'course'}{os.pathsep}{libraries}",
    }
    return str(copied) if _runs(copied, env) else None, env, place / "course"


def _show(source, target):
    """The folder at another place, read-only; where nothing can be mounted a copy, as links if that can be."""
    target.mkdir(parents=True)
    if subprocess.run(["mount", "--bind", source, target], capture_output=True).returncode == 0:
        MOUNTED.append(target)
        subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)
        return
    target.rmdir()
    if subprocess.run(["cp", "-al", source, target], capture_output=True).returncode:
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True)


def _runs(python, env):
    try:
        done = subprocess.run(
            [python, "-c", "import labkit"], env=env, user="nobody", group="nogroup", extra_groups=[], cwd="/"
        )
    except PermissionError:
        return False
    return done.returncode == 0
