"""The unit tests' part in bench/mutation.py: which changes of what judges one of them notices."""

import os
import signal
import sys
import time
from collections import defaultdict
from multiprocessing import get_context
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[1]
LEFT_OUT = {
    "test_corpus.py": "grades the recordings, which were graded before",
    "test_mutation.py": "asks what this bench does",
    "test_style.py": "reads the source as text",
    "test_properties.py": "is random: a change must be noticed each time",
}
PATIENCE = 20.0
"""Seconds for one test: a change that makes a loop endless is noticed."""


LONGEST = 2.0
"""Seconds of a test that is worth running for each change."""


class Noticing:
    """A pytest plugin that runs, instead of all tests once, for each mutant those that come by the changed function."""

    def __init__(self, mutants, files, changed):
        """`changed(mutant)` is a context in which the mutant's change is made."""
        self.mutants, self.files, self.changed = mutants, set(map(str, files)), changed
        self.noticed = []

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.path.name not in LEFT_OUT and "engine" not in item.fixturenames]

    def pytest_runtestloop(self, session):
        by_place = defaultdict(list)
        for item in session.items:
            entered, seconds, passed = self.traced(item)
            if not passed or seconds > LONGEST:
                print(f"left out, since it {'takes long' if passed else 'fails anyway'}: {item.nodeid}")
                continue
            for place in entered:
                by_place[place].append((seconds, item.nodeid, item))
        self.tests = {
            place: [item for *_, item in sorted(found, key=lambda one: one[:2])] for place, found in by_place.items()
        }
        global plugin  # noqa: PLW0603 (what the forked workers share)
        plugin = self
        with get_context("fork").Pool(len(os.sched_getaffinity(0)), maxtasksperchild=1) as pool:
            self.noticed = pool.map(notices, range(len(self.mutants)), 1)
        return True

    def traced(self, item):
        """(places of the functions of interest that a test comes by, its seconds, whether it passes)"""
        entered = set()

        def calls(frame, event, _):
            if frame.f_code.co_filename in self.files:
                entered.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

        began = time.monotonic()
        sys.settrace(calls)
        try:
            passed = passes(item)
        finally:
            sys.settrace(None)
        return entered, time.monotonic() - began, passed

    def notices(self, mutant):
        tests = self.tests.get((str(ROOT / mutant.file), mutant.function_line), ())
        with self.changed(mutant):
            return any(not passes(item) for item in tests)


def passes(item):
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        return all(report.passed or report.skipped for report in runtestprotocol(item, log=False, nextitem=None))
    except Exception:  # the time is over between two phases
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


plugin: Noticing


def notices(index):
    return plugin.notices(plugin.mutants[index])


def noticed_by_unit_tests(mutants, files, changed):
    """Whether a unit test fails with the change, for each of these mutants."""
    noticing = Noticing(mutants, files, changed)
    # Attacks on what judges are values too; those on a lab are left out.
    folders = [str(ROOT / "tests" / name) for name in ("unit", "attacks")]
    arguments = [*folders, "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    pytest.main([*arguments, "-c", str(ROOT / "pyproject.toml")], plugins=[noticing])
    assert len(noticing.noticed) == len(mutants), "the unit tests could not be collected"
    return noticing.noticed
