"""What cells of a notebook show, as values: the newest failure, the progress of a service, the line about the checks."""

import random
from types import SimpleNamespace

import pytest
from world import solved

from labkit.grading.report import CheckResult, ExerciseResult, Outcome
from labkit.jupyter import magics, telling, verdict
from labkit.jupyter.failures import Memory, Ran
from labkit.jupyter.progress import Progress

DENIED = "denied: requested access to the resource is denied\n"


def test_the_newest_failure_is_remembered():
    memory = Memory()
    assert memory.last() == ""
    memory.add(Ran("docker push x", "The push refers to …\n", DENIED, 1))
    memory.add(Ran("docker image ls", "REPOSITORY TAG\n"))
    memory.add(Ran("grep denied log", "denied: requested access\n"))  # ended well, and said it to standard output
    assert memory.last() == DENIED.strip()
    memory.add(Ran("dcoker push x", "", "bash: line 1: dcoker: command not found\n", 127))
    assert "dcoker" in memory.last()
    memory.add(Ran("false", "", "", 1))
    assert memory.last() == "exit status 1"


def test_an_interrupted_command_is_no_failure_to_explain():
    memory = Memory()
    memory.add(Ran("docker push x", "", DENIED, 1))
    memory.add(Ran("sleep 50", "", "", 130))
    assert memory.last() == DENIED.strip()


def test_a_failure_in_the_middle_of_a_cell_counts_though_bash_ends_well():
    assert Ran("docker pull x\necho on", "on\n", "Error: No such image: x\n").failed
    assert not Ran("docker service ps x", "task: non-zero exit (1)\n", "").failed


@pytest.mark.parametrize(
    ("failed", "later", "mended"),
    [
        ("docker push x", "docker push me/x", True),
        ("docker push x", "docker pull x", False),
        ("docker service create a", "docker service ls", False),
        ("dcoker push x", "# now right\ndocker push x", True),
        ("docker login -u a\ndocker push x", "docker push x", False),
    ],
)
def test_a_failure_whose_command_has_worked_since_is_mended(failed, later, mended):
    memory = Memory()
    memory.add(Ran(failed, "", DENIED, 1))
    memory.add(Ran(later))
    assert memory.mended is mended
    memory.add(Ran(failed, "", DENIED, 1))
    assert not memory.mended


CREATED = """\
fc9w4plyvkgblj2x3sk3mnpf6
overall progress: 0 out of 3 tasks
1/3:
2/3:
3/3:
overall progress: 0 out of 3 tasks
2/3: No such image: myapp:latest
overall progress: 1 out of 3 tasks
2/3: No such image: myapp:latest
overall progress: 1 out of 3 tasks
overall progress: 3 out of 3 tasks
verify: Waiting 5 seconds to verify that tasks are stable...
verify: Waiting 4 seconds to verify that tasks are stable...
verify: Waiting 1 seconds to verify that tasks are stable...
verify: Service fc9w4plyvkgblj2x3sk3mnpf6 converged
"""
SHOWN = """\
fc9w4plyvkgblj2x3sk3mnpf6
overall progress: 0 out of 3 tasks
2/3: No such image: myapp:latest
overall progress: 1 out of 3 tasks
overall progress: 3 out of 3 tasks
verify: Waiting 5 seconds to verify that tasks are stable...
verify: Service fc9w4plyvkgblj2x3sk3mnpf6 converged
"""


@pytest.mark.parametrize("size", [1, 7, 100, 10_000])
def test_the_progress_of_a_service_comes_once(size):
    progress = Progress()
    twice = CREATED * 2
    pieces = [twice[start : start + size] for start in range(0, len(twice), size)]
    assert "".join(progress.feed(piece, 0.0) for piece in pieces) == SHOWN * 2
    assert progress.waits_since is None


def test_other_output_passes_as_it_is():
    text = "1/3: mine\n1/3: mine\nverify: me\nverify: me\n\na\rb\rc\nthe end has no newline"
    for seed in range(20):
        chance, progress, told, rest = random.Random(seed), Progress(), "", text
        while rest:
            size = chance.randint(1, 9)
            told += progress.feed(rest[:size], 0.0)
            told += progress.rest() if chance.random() < 0.3 else ""
            rest = rest[size:]
        assert told + progress.rest() == text


def test_a_service_whose_tasks_come_and_go_makes_no_progress():
    progress = Progress()
    for now, count in enumerate([0, 2, 3, 0, 1, 2, 0, 1]):
        progress.feed(f"overall progress: {count} out of 3 tasks\n", float(now))
    assert progress.waits_since == 2.0
    progress.feed("Operation continuing in background.\n", 9.0)
    assert progress.waits_since is None


@pytest.mark.parametrize(
    ("cell", "only"),
    [
        ("%%bash\n# Type your commands below this line docker push x", True),
        ("%%bash\n\n", True),
        ("%%on worker1\n  # a\n# b\n", True),
        ("# docker push x", True),
        ("%%bash\n# a\ndocker ps", False),
        ("1 + 1  # two", False),
        ("", False),
        ("\n \n", False),
    ],
)
def test_a_cell_with_comments_only_is_known(cell, only):
    assert magics.only_comments(cell) is only


def test_what_is_shown_is_text():
    hostile = telling.Meaning('<img src=x onerror="alert(1)">\u202e')
    assert "<img" not in hostile._repr_html_()
    assert "\\u202e" in hostile._repr_html_()
    assert f'href="{telling.EXPLAIN}"' in hostile._repr_html_()
    assert "%explain" in repr(hostile)


def check(name, outcome):
    return CheckResult(name, f"The claim of {name}.", outcome, 1)


NOT, YES, MOVES = Outcome.NOT_YET, Outcome.PASSED, Outcome.CONVERGING


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ((NOT, NOT), (YES, NOT), "✓ The claim of 0. · next: The claim of 1."),
        ((NOT, NOT), (NOT, NOT), "0 of 2 checks pass · next: The claim of 0."),
        ((NOT, NOT, NOT), (YES, YES, NOT), "2 of 3 checks pass · next: The claim of 2."),
        ((YES, NOT), (YES, MOVES), "1 of 2 checks pass · still moving: The claim of 1."),
        ((YES, YES), (YES, NOT), "✗ No longer true: The claim of 1. · next: The claim of 1."),
        ((YES, NOT), (YES, YES), "✓ Exercise complete. Next: Deploy to a Swarm"),
    ],
)
def test_the_line_about_the_checks(before, now, told):
    results = [
        ExerciseResult("04-pull", "", tuple(check(str(number), outcome) for number, outcome in enumerate(outcomes)))
        for outcomes in (before, now)
    ]
    assert verdict.words(SimpleNamespace(slug="04-pull"), *results) == told


def test_what_changes_by_itself_is_no_change_of_the_learners():
    world = solved()
    before = verdict.steady(world.observation)
    world.data["taken"] = "2026-01-01T05:00:00Z"
    for machine in world.data["engines"].values():
        machine["images"].reverse()
    world.task(1, state="failed", exit_code=1)
    world.data["swarm"]["members"]["worker2"]["state"] = "down"
    assert verdict.steady(world.observation) == before
    world.image("workstation", "app", ["other:tag"])
    assert verdict.steady(world.observation) != before


def test_a_section_that_was_not_seen_is_no_trouble():
    world = solved().gap("swarm").gap("engines/worker1")
    assert verdict.steady(world.observation) != verdict.steady(solved().observation)


@pytest.mark.fault(
    "a cell's command prints one endless line", "it is shown as it comes, and none of it is kept in memory"
)
def test_a_line_without_end_is_not_waited_for():
    progress, piece = Progress(), "a" * 65536
    assert all(progress.feed(piece, 0.0) == piece for _ in range(20))
    assert (
        progress.feed("end\noverall progress: 0 out of 1 tasks\n", 1.0) == "end\noverall progress: 0 out of 1 tasks\n"
    )
    assert progress.feed("overall progress: 0 out of 1 tasks\n", 2.0) == ""
