"""Which of nbgrader's students a learner is."""

from collections.abc import Iterable

from labkit.classroom.gradebook import Learner, taken_for_one


def student_of(learner: Learner) -> str:
    """Their user name, or their id where the roster has none."""
    return learner.ids.username or learner.id


def confused(learners: Iterable[Learner]) -> dict[str, str]:
    """{learner's id: a sentence} for those who would be one student: one's user name may be another's id."""
    return taken_for_one(learners, lambda one: (student_of(one),))
