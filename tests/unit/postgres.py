"""A PostgreSQL of the tests' own, from Debian's package."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from labkit.errors import LabError
from labkit.lab.engine import packages

USER = "postgres"
"""Debian's package makes this user; PostgreSQL refuses to run as root."""


def programs():
    """The folder of PostgreSQL's programs, installed where it is missing and we may; None where it cannot be had."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and shutil.which("apt-get") and os.geteuid() == 0:
        with contextlib.suppress(LabError):
            packages.install("--no-install-recommends", "postgresql")
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """A server of this test's own, on a socket in its folder."""

    def __init__(self, place, folder):
        self.place, self.folder, self.process = place, folder, None

    def run(self, program, *words, **more):
        as_user = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []
        return subprocess.Popen(
            [*as_user, str(self.place / program), *words],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **more,
        )

    def start(self):
        self.process = self.run(
            "postgres",
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        )
        deadline = time.monotonic() + 60
        while self.run("pg_isready", "-q", "-h", str(self.folder)).wait() != 0:
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.1)

    def stop(self):
        server = int((self.folder / "data/postmaster.pid").read_text().splitlines()[0])
        os.kill(server, signal.SIGINT)  # ends at once, and cuts the connections
        self.process.wait(30)

    @property
    def url(self):
        return f"postgresql://{USER}@/postgres?host={self.folder}"


@contextlib.contextmanager
def running(folder=None):
    """In this folder, or in one of its own, which is removed at the end. Skips where there is none and none can be installed."""
    place = programs()
    if place is None:
        pytest.skip("PostgreSQL is not installed and cannot be installed here: apt-get install postgresql")
    folder = folder or Path(tempfile.mkdtemp(prefix="labkit-postgres-", dir="/tmp"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    one = Postgres(place, folder)
    try:
        assert (
            one.run("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync").wait(
                120
            )
            == 0
        )
        one.start()
        yield one
    finally:
        if one.process and one.process.poll() is None:
            one.stop()
        shutil.rmtree(folder, ignore_errors=True)
