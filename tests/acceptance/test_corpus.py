"""The whole corpus of attempts on labs side by side: every verdict, every diagnosis, every sentence."""

import os

from corpus import run
from side_by_side import affordable, labs

from labkit.authoring import attempts
from labkit.content import exercises

EARLY, LATER = 5, 16
"""One attempt in so many is played, up to 06 and from 07 on (there an attempt may take half a minute), beside the author's own ways.
Unit tests grade all of them from their recordings, and `corpus.py` plays all."""

SHORT = "06-practice"
"""The last exercise whose attempts take a second or two."""


def played():
    """The attempts that this test plays."""
    every = attempts.corpus()
    own = [one for one in every if one.file.is_relative_to(exercises.solutions(one.slug))]
    early = [one for one in every if one.slug <= SHORT and one not in own]
    later = [one for one in every if one.slug > SHORT and one not in own]
    chosen = {one.id for one in (*own, *early[::EARLY], *later[::LATER])}
    return [one for one in every if one.id in chosen]


def test_every_attempt_gets_what_its_first_line_and_its_recording_say(
    engine, running_lab, tmp_path, capsys, pytestconfig
):
    env = {**os.environ, "LABKIT_ENGINE": engine.url}
    chosen = played()
    told = []
    with labs(affordable(), env, tmp_path) as envs:
        wrong = [run(chosen, envs, say=told.append) for _ in range(pytestconfig.getoption("corpus_runs"))]
        if not_right := [attempt for attempt in chosen if any(attempt.id in each for each in wrong)]:
            told.append("A second try of what was wrong (docs/decisions/0048-a-second-try.md):")
            wrong = [run(not_right, envs, say=told.append)]
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert not any(wrong), "\n".join(f"{attempt}: {why}" for each in wrong for attempt, why in each.items())
