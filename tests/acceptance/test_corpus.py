"""The whole corpus of attempts on labs side by side: every verdict, every diagnosis, every sentence."""

import os

from corpus import run
from side_by_side import affordable, labs

from labkit.authoring import attempts
from labkit.content import exercises

OWN, EARLY, LATER = 5, 10, 32
"""One attempt in so many is played: of the author's own wrong ways, and of the others up to 06 and from 07 on (there an attempt may
take half a minute). The next day it is the next ones' turn: in so many days all are. Unit tests grade all of them from their
recordings, `labkit verify` plays all of the author's, and `corpus.py` plays all."""

SHORT = "06-practice"
"""The last exercise whose attempts take a second or two."""


def played(day):
    """The attempts that this test plays on this day, a number that goes up by one each day."""
    every = attempts.corpus()
    own = [one for one in every if one.file.is_relative_to(exercises.solutions(one.slug))]
    early = [one for one in every if one.slug <= SHORT and one not in own]
    later = [one for one in every if one.slug > SHORT and one not in own]
    chosen = {one.id for one in (*own[day % OWN :: OWN], *early[day % EARLY :: EARLY], *later[day % LATER :: LATER])}
    return [one for one in every if one.id in chosen]


def test_each_attempt_has_its_day():
    every = {one.id for one in attempts.corpus()}
    assert {one.id for day in range(max(OWN, EARLY, LATER)) for one in played(day)} == every


def test_every_attempt_gets_what_its_first_line_and_its_recording_say(
    engine, running_lab, tmp_path, capsys, pytestconfig
):
    env = {**os.environ, "LABKIT_ENGINE": engine.url}
    day = pytestconfig.getoption("corpus_day")
    chosen = played(day)
    told = [f"Attempts of day {day}; the same again: ./lab test --corpus-day {day} tests/acceptance/test_corpus.py"]
    with labs(affordable(), env, tmp_path) as envs:
        wrong = [run(chosen, envs, say=told.append) for _ in range(pytestconfig.getoption("corpus_runs"))]
        if not_right := [attempt for attempt in chosen if any(attempt.id in each for each in wrong)]:
            told.append("A second try of what was wrong (docs/decisions/0048-a-second-try.md):")
            wrong = [run(not_right, envs, say=told.append)]
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert not any(wrong), f"day {day}:\n" + "\n".join(
        f"{attempt}: {why}" for each in wrong for attempt, why in each.items()
    )
