"""The whole corpus of attempts, three times over, on two labs side by side: every verdict, every diagnosis."""

import os
import re
import subprocess
import sys
from pathlib import Path

from corpus import attempts

from labkit.content import diagnoses

ROOT = Path(__file__).parents[2]
RUNS, LABS = 3, 2


def test_the_corpus_is_large_enough_and_hits_every_diagnosis():
    every = attempts()
    right = [one for one in every if one.right]
    assert len(right) >= 50
    assert len(every) - len(right) >= 100
    hit = {verdict for one in every for verdict in one.expected.values()}
    notes = {"login-password-visible"}  # told with a check that passed
    assert set(diagnoses.catalogue()) - notes <= hit
    assert len(diagnoses.catalogue()) >= 50
    for one in every:
        assert one.right == (set(one.expected.values()) == {"passed"}), one.id


def test_every_verdict_of_every_attempt_three_times_over(engine, running_lab, tmp_path, capsys):
    # The suite's own lab is one of them: an idle lab costs a tenth of this machine.
    here = {**os.environ, "LABKIT_ENGINE": engine.url, "PYTHONPATH": str(ROOT)}
    shards = [(0, here)]
    for number in range(1, LABS):
        env = {
            **here,
            "LABKIT_LAB": f"{os.environ['LABKIT_LAB']}-corpus{number}",
            "XDG_STATE_HOME": str(tmp_path / f"state{number}"),
            "LABKIT_WORK": str(tmp_path / f"work{number}"),
        }
        shards.append((number, env))
    try:
        for _, env in shards[1:]:
            up = [sys.executable, "-m", "labkit", "up", "--detach", "--no-jupyter", "--time-limit", "2h"]
            subprocess.run(up, env=env, check=True, capture_output=True)
        script = str(ROOT / "tests" / "acceptance" / "corpus.py")
        started = [
            subprocess.Popen(
                [sys.executable, script, "--runs", str(RUNS), "--shard", f"{number}/{LABS}"],
                env=env,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for number, env in shards
        ]
        outputs = [one.communicate()[0] for one in started]
    finally:
        for _, env in shards[1:]:
            subprocess.run([sys.executable, "-m", "labkit", "down"], env=env, check=True, capture_output=True)
    with capsys.disabled():
        print("\n" + "".join(outputs))
    assert [one.returncode for one in started] == [0] * LABS, "\n".join(outputs)
    ran = [int(count) for output in outputs for count in re.findall(r"run \d: (\d+) attempts", output)]
    assert sum(ran) == RUNS * len(attempts())
