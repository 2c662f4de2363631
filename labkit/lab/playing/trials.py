"""Which trial an exercise's learner gets before a Check: by the machine that it is played on."""

from collections.abc import Callable, Collection

from labkit.content.exercises import Exercise
from labkit.lab.engine.engines import Say
from labkit.lab.lab import Lab
from labkit.lab.plan import CI, DEPOT, TOOLS
from labkit.lab.playing import deploying, retention, trial

Play = Callable[[Lab, Exercise, Say, Collection[str]], bool]

PLAYED: dict[str, Play] = {CI: trial.play, DEPOT: retention.play, TOOLS: deploying.play}
"""{an exercise's part beyond the standard lab: its trial}"""


def play(lab: Lab, exercise: Exercise, say: Say, only: Collection[str] = ()) -> bool:
    """Plays it, or `only` these parts of it. Returns whether there was anything to try. Raises LabError."""
    played = [PLAYED[extra](lab, exercise, say, only) for extra in exercise.extras if extra in PLAYED]
    return any(played)
