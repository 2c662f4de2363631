#!/usr/bin/env python3
"""Changes what judges, one small change at a time, and counts how many of these changes the recorded corpus notices.

    .venv/bin/python bench/mutation.py [--write] [WORD …]       (WORD: only places with one of these words: facts.py, pulls)

Every recording that comes by the changed function is graded again: a change is noticed when one verdict or one sentence reads
otherwise. What no recording notices is tried with those unit tests, and attacks without a lab, that come by it. Changes that
nothing could notice stand in bench/equivalent.toml, each with its reason. No Docker is needed.
"""

import argparse
import functools
import gc
import importlib
import os
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from types import FunctionType

from mutants import mutants
from mutation_tests import noticed_by_unit_tests

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from labkit.authoring import attempts, recordings  # noqa: E402
from labkit.content import exercises  # noqa: E402
from labkit.grading.grade import grade_one  # noqa: E402
from labkit.seen.observation import Observation  # noqa: E402

JUDGES = (
    "exercises/*/checks.py",
    "labkit/content/facts/*.py",
    "labkit/content/diagnoses.py",
    "labkit/content/quiz.py",
    "labkit/content/scope.py",
    "labkit/grading/grade.py",
    "labkit/seen/*.py",
)
"""Everything that decides about a verdict or a sentence."""
NO_JUDGES = {
    "labkit/seen/__init__.py": "holds nothing",
    "labkit/seen/observation.py": "the file's form: damage is refused before anything is judged (test_seen.py)",
    "labkit/seen/versions.py": "the way up from older schemas: it is done before anything is judged (test_seen.py)",
}
"""{file that these patterns name and that decides nothing: why}"""
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
PATIENCE = 5.0
"""Seconds for one recording: a change that makes a loop endless is noticed."""


def files():
    found = sorted(file for pattern in JUDGES for file in ROOT.glob(pattern))
    return [file for file in found if str(file.relative_to(ROOT)) not in NO_JUDGES]


def every_mutant(words=()):
    made = []
    for file in files():
        name = str(file.relative_to(ROOT))
        made += mutants(name, file.read_text(), str(file))
    return [one for one in made if not words or any(word in f"{one.file} {one.function}" for word in words)]


def equivalents():
    """{key of a mutant: why nothing could notice it}"""
    listed = tomllib.loads(EQUIVALENT.read_text())["equivalent"] if EQUIVALENT.exists() else []
    return {(one["file"], one["function"], one["kind"], one["change"]): one["reason"] for one in listed}


class Corpus:
    """The recordings, and which of them come by which line."""

    def __init__(self):
        self.cases = []
        """[(exercise, observation, what was told)]"""
        exercises.every()
        for file in files():
            if file.is_relative_to(ROOT / "labkit"):
                importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for slug in exercises.slugs():
            told = recordings.load_told(slug)
            read = {name: Observation.read(data) for name, data in recordings.load(slug).items()}
            self.cases += [(exercises.load(slug), observation, told[name]) for name, observation in read.items()]
        self.alive = alive()
        self.caches = caches()
        self.lines = defaultdict(list)
        """{(file, line): cases}"""
        self.entered = defaultdict(list)
        """{(file, function's first line): cases}"""

    def trace(self, index):
        """(lines, first lines of functions) that a case comes by."""
        known = {str(file) for file in files()}
        lines, entered = set(), set()

        def local(frame, event, _):
            lines.add((frame.f_code.co_filename, frame.f_lineno))
            return local

        def calls(frame, event, _):
            if frame.f_code.co_filename not in known:
                return None
            entered.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))
            return local(frame, event, _)

        self.forget()
        exercise, observation, told = self.cases[index]
        sys.settrace(calls)
        try:
            now = recordings.told(grade_one(exercise, observation))
        finally:
            sys.settrace(None)
        return lines, entered, now == told

    def keep(self, index, traced):
        lines, entered, agrees = traced
        assert agrees, f"{self.cases[index][0].slug}: a recording is not told as it was: run the unit tests first"
        for place in lines:
            self.lines[place].append(index)
        for place in entered:
            self.entered[place].append(index)

    def notices(self, mutant):
        """Whether a recording is told otherwise with this change."""
        file = str(ROOT / mutant.file)
        first = self.lines[file, mutant.line]
        rest = self.entered[file, mutant.function_line]
        with self.changed(mutant):
            return any(self.told_otherwise(index) for index in dict.fromkeys(first + rest))

    @contextmanager
    def changed(self, mutant):
        """Makes the change in the functions that are alive, and takes it back."""
        functions = self.alive[str(ROOT / mutant.file), mutant.function_line]
        assert functions, f"{mutant} is in no function that was loaded"
        before = [function.__code__ for function in functions]
        for function in functions:
            function.__code__ = mutant.code
        self.forget()
        try:
            yield
        finally:
            for function, code in zip(functions, before, strict=True):
                function.__code__ = code
            self.forget()

    def told_otherwise(self, index):
        exercise, observation, told = self.cases[index]
        self.forget()
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            return recordings.told(grade_one(exercise, observation)) != told
        except Exception:
            return True
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def forget(self):
        for cache in self.caches:
            cache.cache_clear()


def alive():
    """{(file, first line): the function objects that have this code}: what is changed is the code of these."""
    found = defaultdict(list)
    for function in gc.get_objects():
        if isinstance(function, FunctionType):
            found[function.__code__.co_filename, function.__code__.co_firstlineno].append(function)
    return found


def caches():
    """What judges keep of earlier calls."""
    known = {str(file) for file in files()}
    kept = [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]
    return [one for one in kept if one.__wrapped__.__code__.co_filename in known]


class TooLong(Exception):
    pass


def too_long(*_):
    raise TooLong


corpus: Corpus


def traced(index):
    return corpus.trace(index)


def noticed(mutant_index):
    return corpus.notices(chosen_mutants[mutant_index])


chosen_mutants = []


def run(words, say):
    """[(mutant, what noticed it: "recordings", "unit tests" or "")]"""
    global corpus  # noqa: PLW0603 (what the forked workers share)
    signal.signal(signal.SIGALRM, too_long)
    corpus = Corpus()
    assert corpus.cases, "nothing is recorded: .venv/bin/python tests/acceptance/corpus.py --record"
    cores, fork = len(os.sched_getaffinity(0)), get_context("fork")
    with fork.Pool(cores) as pool:
        for index, found in enumerate(pool.imap(traced, range(len(corpus.cases)), 4)):
            corpus.keep(index, found)
    chosen_mutants[:] = every_mutant(words)
    say(f"{len(chosen_mutants)} changes, {len(corpus.cases)} recordings, {cores} cores")
    with fork.Pool(cores) as pool:
        results = pool.map(noticed, range(len(chosen_mutants)), 4)
    left = [mutant for mutant, seen in zip(chosen_mutants, results, strict=True) if not seen]
    say(f"{len(left)} that no recording notices: the unit tests")
    by_tests = dict(zip(left, noticed_by_unit_tests(left, files(), corpus.changed), strict=True))
    told = {True: "recordings", False: ""}
    return [
        (mutant, "unit tests" if by_tests.get(mutant) else told[seen])
        for mutant, seen in zip(chosen_mutants, results, strict=True)
    ]


def table(results):
    known = equivalents()
    kinds = defaultdict(Counter)
    for mutant, by in results:
        for kind in (mutant.kind, "**all**"):
            kinds[kind].update(["made", by or ("equivalent" if mutant.key in known else "left")])
    columns = ("made", "recordings", "unit tests", "equivalent", "left")
    rows = []
    for kind, count in sorted(kinds.items(), key=lambda pair: (pair[0] == "**all**", pair[0])):
        seen = count["recordings"] + count["unit tests"]
        rows.append(f"| {kind} | {' | '.join(str(count[name]) for name in columns)} | {seen / count['made']:.1%} |")
    head = "| change | made | noticed by recordings | by unit tests alone | equivalent | left | noticed |"
    return [head, "|---|---|---|---|---|---|---|", *rows]


def corpus_table():
    rows = []
    every = attempts.corpus()
    for slug in (*exercises.slugs(), "**all**"):
        mine = [attempt for attempt in every if slug in (attempt.slug, "**all**")]
        right = sum(attempt.right for attempt in mine)
        met = {verdict for attempt in mine for verdict in attempt.expected.values()} - set(attempts.PLAIN)
        rows.append(f"| {slug} | {right} | {len(mine) - right} | {len(met)} |")
    return ["| exercise | right but different | wrong | diagnoses met |", "|---|---|---|---|", *rows]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("words", nargs="*", metavar="WORD")
    options.add_argument("--write", action="store_true", help="put the tables into docs/grading.md")
    chosen = options.parse_args()
    start = time.monotonic()
    results = run(chosen.words, print)
    known = equivalents()
    for mutant, seen in results:
        if not seen:
            print(f"{'equivalent' if mutant.key in known else 'not noticed'}: {mutant}")
    for key in [mutant.key for mutant, seen in results if seen and mutant.key in known]:
        print(f"listed as equivalent, and noticed: {key}")
    print("\n".join(table(results)))
    print(f"{time.monotonic() - start:.0f} s")
    if chosen.write and not chosen.words:
        put("corpus", corpus_table())
        put("mutation", table(results))


def put(name, lines):
    """Puts a table between its two marks in docs/grading.md."""
    page = ROOT / "docs" / "grading.md"
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = page.read_text().split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1])


if __name__ == "__main__":
    main()
