"""The whole corpus of attempts on labs side by side: every verdict, every diagnosis, every sentence."""

import os

from corpus import run
from side_by_side import affordable, labs

from labkit.authoring import attempts


def test_every_attempt_gets_what_its_first_line_and_its_recording_say(
    engine, running_lab, tmp_path, capsys, pytestconfig
):
    env = {**os.environ, "LABKIT_ENGINE": engine.url}
    chosen = attempts.corpus()
    told = []
    with labs(affordable(), env, tmp_path) as envs:
        wrong = [run(chosen, envs, say=told.append) for _ in range(pytestconfig.getoption("corpus_runs"))]
    with capsys.disabled():
        print("\n" + "\n".join(told))
    assert not any(wrong), "\n".join(f"{attempt}: {why}" for each in wrong for attempt, why in each.items())
