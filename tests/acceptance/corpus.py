"""Plays the corpus of attempts (labkit/authoring/attempts.py), or those whose names have one of these words in them.

    .venv/bin/python tests/acceptance/corpus.py [--runs N] [--labs N] [--record | --retell] [--fill] [NAME …]

on the running lab; with --labs on that one and as many more as are missing, started for it and taken down again. Each attempt must
get what its first line says, and be told what its recording says. --record writes these recordings anew; --retell keeps what was seen and
writes anew what is told of it, without a lab, where only the grader's words have changed. --fill completes first lines that
name only the first diagnosis, for an author to read over.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

from side_by_side import labs, play_all

from labkit.authoring import attempts, recordings, solutions
from labkit.content import exercises
from labkit.lab import find
from labkit.lab.looking.observe import observe
from labkit.lab.playing.reset import reset_all

RECORD = ".venv/bin/python tests/acceptance/corpus.py --record"


def run(chosen, lab_envs, record=False, fill=False, say=print):
    """Plays these attempts once on these labs; returns {id: what is wrong} of those that went wrong."""
    by_id = {attempt.id: attempt for attempt in chosen}
    known = {slug: recordings.load_told(slug) for slug in exercises.slugs()}
    wrong, start = {}, time.monotonic()
    past = any("log" in exercises.load(slug).sees for slug in {attempt.slug for attempt in chosen})
    for played in play_all(list(by_id), lab_envs, worker(record, past)):
        attempt = by_id[played["id"]]
        problem = played.get("broke") or attempt.problem(played["verdicts"])
        if problem and "told" in played:
            problem += "; ".join(["", *(texts["message"] for texts in played["told"].values() if "message" in texts)])
        if not problem and fill and attempt.short:
            attempt.fill(played["verdicts"])
        if record and not problem:
            keep(attempt.slug, {attempt.name: played})  # at once: who ends a long recording keeps what there is
        elif not problem:
            problem = disagreement(attempt, known[attempt.slug].get(attempt.name), played["told"])
        if problem:
            wrong[attempt.id] = problem
            say(
                f"✗ {attempt.id} ({played.get('seconds', 0):.1f} s): {problem}\n    {played.get('output', '')[-600:]!r}"
            )
    minutes = (time.monotonic() - start) / 60
    say(
        f"{len(by_id)} attempts in {minutes:.1f} min on {len(lab_envs)} labs, {len(by_id) / minutes:.0f} a minute, {len(wrong)} wrong"
    )
    return wrong


def disagreement(attempt, recorded, told):
    if recorded is None:
        return f"it has no recording: {RECORD} {attempt.id}"
    if found := recordings.differences(recorded, told):
        return f"it is not told what its recording says: {'; '.join(found)}. If that is meant: {RECORD} {attempt.id}"
    return ""


def keep(slug, found):
    """Adds what was played, or told anew, to an exercise's recordings, and drops those of attempts that are no more."""
    names = {attempt.name for attempt in attempts.corpus() if attempt.slug == slug}
    seen = {name: played["observation"] for name, played in found.items() if "observation" in played}
    observations = recordings.load(slug) | seen
    told = recordings.load_told(slug) | {name: played["told"] for name, played in found.items()}
    recordings.save(
        slug,
        {name: held for name, held in observations.items() if name in names},
        {name: held for name, held in told.items() if name in names},
    )


def retell(chosen, say=print):
    """Grades the recordings of these attempts again and writes what is told now; returns {id: what is wrong}."""
    wrong = {}
    for slug in sorted({attempt.slug for attempt in chosen}):
        observations, mine = recordings.load(slug), [attempt for attempt in chosen if attempt.slug == slug]
        told = {
            attempt.name: {"told": recordings.retell(slug, observations[attempt.name])}
            for attempt in mine
            if attempt.name in observations
        }
        for attempt in mine:
            found = recordings.verdicts(told[attempt.name]["told"]) if attempt.name in told else None
            problem = "it has no recording" if found is None else attempt.problem(found)
            if problem:
                wrong[attempt.id] = problem
                say(f"✗ {attempt.id}: {problem}")
        keep(slug, told)
    return wrong


def worker(record, past):
    """The command that plays on one lab: ids come in, a line of JSON for each goes out. With a past that must not count, where
    what is recorded has a log."""
    return [sys.executable, __file__, "--worker", *(["--record"] if record else []), *(["--past"] if past else [])]


def work(record, with_past):
    out = sys.stdout
    with redirect_stdout(sys.stderr):
        lab = find.current()
        past = 0
        if record and with_past:
            lab, past = live_before(lab)
        by_id = {attempt.id: attempt for attempt in attempts.corpus()}
        for line in sys.stdin:
            began = time.monotonic()
            played = attempts.play(lab, by_id[line.strip()])
            lab = played.lab
            result = {
                "id": line.strip(),
                "verdicts": attempts.verdicts(played.result),
                "told": recordings.told(played.result),
                "output": played.output,
                "seconds": time.monotonic() - began,
                "observation": recordings.shortened(played.observation, past).data() if record else None,
            }
            print(json.dumps(result), file=out, flush=True)


def live_before(lab):
    """Solves the whole course, so that every recording has a past that must not count. Returns the lab, and the number
    of its last line."""
    lab = reset_all(lab)
    for slug in exercises.slugs():
        solutions.solve(lab, exercises.load(slug))
    return lab, recordings.last_line(observe(lab, ["log"]))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", metavar="NAME")
    options.add_argument("--runs", type=int, default=1)
    options.add_argument("--labs", type=int, default=1)
    options.add_argument("--record", action="store_true")
    options.add_argument("--retell", action="store_true")
    options.add_argument("--fill", action="store_true")
    options.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--past", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.worker:
        work(chosen.record, chosen.past)
        return
    if chosen.retell:
        sys.exit(1 if retell(attempts.corpus(chosen.names)) else 0)
    wrong = Counter()
    with (
        tempfile.TemporaryDirectory(prefix="labkit-corpus-") as scratch,
        labs(chosen.labs, dict(os.environ), Path(scratch)) as envs,
    ):
        for _ in range(chosen.runs):
            wrong.update(run(attempts.corpus(chosen.names), envs, chosen.record, chosen.fill).keys())
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
