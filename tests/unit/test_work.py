"""The learner's folder: one lock, whole files, and attempts that are changes of the verdict."""

import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit.content.personal import person
from labkit.errors import LabError
from labkit.grading.report import CheckResult, ExerciseResult, Judge, Outcome, Report
from labkit.work import answers, attempts, files, keeping

ROOT = Path(__file__).parents[2]

SMALL_DISK = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
from labkit.work import answers, files
work = Path(sys.argv[1])
{call}
"""
"""No file may become longer than 20 bytes: a write fails in the middle, as on a full disk."""


def on_a_small_disk(work, call):
    code = f"try:\n    {call}\nexcept Exception as error:\n    print(type(error).__name__, error)"
    result = subprocess.run(
        [sys.executable, "-c", SMALL_DISK.format(call=code), str(work)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return result.stdout


def test_a_full_disk_leaves_the_answers_as_they_were(tmp_path):
    answers.save(tmp_path, "06", {"a": "1"})
    before = (tmp_path / answers.FILE).read_text()
    told = on_a_small_disk(tmp_path, 'answers.save(work, "06", {"b": "x" * 100})')
    assert told.startswith("LabError")
    assert "could not be saved: File too large" in told
    assert (tmp_path / answers.FILE).read_text() == before
    assert sorted(file.name for file in (tmp_path / ".labkit").iterdir()) == ["answers.json", "lock"]


def test_a_full_disk_leaves_no_half_notebook(tmp_path):
    told = on_a_small_disk(tmp_path, "files.prepare(work)")
    assert "could not be prepared: File too large" in told
    assert list(tmp_path.glob("*.ipynb*")) == []


def test_an_empty_file_is_made_anew_and_the_learners_own_is_not_touched(tmp_path):
    files.prepare(tmp_path)
    notebook, own = tmp_path / "01-login.ipynb", tmp_path / "02-tag.ipynb"
    whole = notebook.read_text()
    notebook.write_text("")
    own.write_text("mine")
    assert files.prepare(tmp_path) == files.Prepared(added=("01-login.ipynb",))
    assert notebook.read_text() == whole
    assert own.read_text() == "mine"
    assert files.prepare(tmp_path) == files.Prepared()


# ── a folder that another learner had ────────────────────────────────────────────────────────────────────────────────────


ADA, BOB = (person(name, "spring") for name in ("Ada", "Bob"))


def listed(work):
    return sorted(str(one.relative_to(work)) for one in work.rglob("*") if one.is_file() and ".labkit" not in one.parts)


def test_untouched_notebooks_follow_the_learner(tmp_path):
    files.prepare(tmp_path)
    there = listed(tmp_path)
    done = files.prepare(tmp_path, ADA)
    assert "03-push.ipynb" in done.renewed and not done.added and not done.kept
    push = (tmp_path / "03-push.ipynb").read_text()
    assert ADA.username in push and "myusername" not in push
    assert listed(tmp_path) == there
    assert files.prepare(tmp_path, ADA) == files.Prepared(), "once"
    assert set(files.prepare(tmp_path).renewed) == set(done.renewed), "and back"


def test_changed_notebooks_of_another_learner_are_kept_beside_new_ones(tmp_path):
    files.prepare(tmp_path, ADA)
    push = tmp_path / "03-push.ipynb"
    push.write_text("ada's work")
    done = files.prepare(tmp_path, BOB)
    aside = f"03-push.{ADA.username}.ipynb"
    assert done.kept == {"03-push.ipynb": aside}
    assert (tmp_path / aside).read_text() == "ada's work"
    assert BOB.username in push.read_text()
    assert done.told()[-1] == f"03-push.ipynb is new, with your values. The one that was there is now {aside}."
    push.write_text("bob's work")
    assert files.prepare(tmp_path, BOB) == files.Prepared(), "his own stays as it is"
    assert files.prepare(tmp_path, ADA).kept == {"03-push.ipynb": f"03-push.{BOB.username}.ipynb"}
    push.write_text("ada's second")
    assert files.prepare(tmp_path, BOB).kept == {"03-push.ipynb": f"03-push.{ADA.username}-2.ipynb"}
    assert (tmp_path / aside).read_text() == "ada's work"


def test_what_names_nobody_is_kept_as_it_was_changed(tmp_path):
    files.prepare(tmp_path, ADA)
    page = tmp_path / "06-practice" / "index.html"
    page.write_text("my page")
    assert files.prepare(tmp_path, BOB).kept == {}
    assert page.read_text() == "my page"


def test_a_newer_course_reaches_only_what_nobody_changed(tmp_path, monkeypatch):
    course, work = tmp_path / "course", tmp_path / "work"
    for folder in ("exercises", "notebooks"):
        shutil.copytree(ROOT / folder, course / folder)
    monkeypatch.setenv("LABKIT_COURSE", str(course))
    files.prepare(work)
    (work / "02-tag.ipynb").write_text("mine")
    for name in ("01-login", "02-tag"):
        (course / "notebooks" / f"{name}.ipynb").write_text("newer")
    assert files.prepare(work) == files.Prepared(renewed=("01-login.ipynb",))
    assert (work / "02-tag.ipynb").read_text() == "mine"


def whose(name):
    return json.dumps({"03-push.ipynb": {"content": "x", "whose": name}})


@pytest.mark.attack(
    "files",
    "a damaged record of the learner's folder: empty, not a record, a path or 5,000 characters as the user name",
    "it is set aside; none of the learner's files is overwritten, and none leaves the folder",
)
@pytest.mark.parametrize("content", ["", "[]", whose("../../x"), whose("x" * 5000), whose("\u2070")])
def test_a_record_that_is_lost_or_damaged_overwrites_nothing(tmp_path, content):
    files.prepare(tmp_path)
    (tmp_path / files.RECORD).write_text(content)
    (tmp_path / "03-push.ipynb").write_text("mine")
    done = files.prepare(tmp_path, ADA)
    assert "01-login.ipynb" in done.renewed, "it is as the course has it for everybody"
    assert done.kept == {"03-push.ipynb": "03-push.myusername.ipynb"}
    assert (tmp_path / "03-push.myusername.ipynb").read_text() == "mine"


def test_a_new_files_mode_is_what_was_asked_for(tmp_path):
    before = os.umask(0o022)
    try:
        keeping.write_whole(tmp_path / "plain", "x")
        keeping.write_whole(tmp_path / "secret", "x", mode=0o600)
    finally:
        os.umask(before)
    assert (tmp_path / "plain").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_many_writers_lose_nothing(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: answers.save(tmp_path, "06", {f"q{number}": "a"}), range(40)))
        list(pool.map(lambda number: attempts.keep_hint(tmp_path, "06", "c", number), range(40)))
    assert len(answers.load(tmp_path)["06"]) == 40
    records, damaged = attempts.read(tmp_path)
    assert (len(records), damaged) == (40, 0)


@pytest.mark.parametrize(
    "write",
    [
        lambda work: answers.save(work, "06", {"a": "1"}),
        lambda work: attempts.keep_reset(work, ["06"]),
        files.prepare,
    ],
    ids=["answers", "attempts", "files"],
)
def test_all_of_it_waits_for_the_same_lock(tmp_path, write):
    began, done = threading.Event(), threading.Event()

    def writer():
        began.set()
        write(tmp_path)
        done.set()

    thread = threading.Thread(target=writer)
    with keeping.lock(tmp_path):
        thread.start()
        began.wait(5)
        assert not done.wait(0.2)
    thread.join(5)
    assert done.is_set()


def test_a_lock_that_is_never_let_go_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "PATIENCE", 0.1)
    with (
        keeping.lock(tmp_path),
        pytest.raises(LabError, match="Another labkit has been writing"),
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(answers.save, tmp_path, "06", {"a": "1"}).result()


# ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def report(outcome, diagnosis="", slug="01-login", content="v", time="2026-01-01T10:00:00+00:00"):
    check = CheckResult("c", "A claim.", outcome, 2, diagnosis=diagnosis)
    return Report("lab", time, (ExerciseResult(slug, "Title", (check,)),), Judge("0", content), Judge("0", content))


def kept(work):
    return [record["kind"] for record in attempts.read(work)[0]]


def test_only_a_change_of_the_verdict_is_an_attempt(tmp_path):
    said = [
        report(Outcome.NOT_YET, "login-none"),
        report(Outcome.NOT_YET, "login-none", time="2026-01-01T10:00:01+00:00"),
        report(Outcome.NOT_YET, "login-wrong-password"),
        report(Outcome.PASSED),
        report(Outcome.PASSED),
        report(Outcome.NOT_YET, "login-none"),
    ]
    assert [attempts.keep_attempt(tmp_path, one) for one in said] == [True, False, True, True, False, True]
    assert len(kept(tmp_path)) == 4


def test_another_exercise_a_reset_and_other_checks_begin_anew(tmp_path):
    assert attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET))
    assert attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET, slug="02-tag"))
    assert not attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET))
    attempts.keep_reset(tmp_path, ["01-login"])
    assert attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET))
    assert not attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET, slug="02-tag"))
    assert attempts.keep_attempt(tmp_path, report(Outcome.NOT_YET, content="other"))


def test_an_attempt_at_all_exercises_is_kept_where_one_of_them_changed(tmp_path):
    def both(first, second):
        parts = (report(first).exercises[0], report(second, slug="02-tag").exercises[0])
        return Report("lab", "2026-01-01T10:00:00+00:00", parts, Judge("0", "v"), Judge("0", "v"))

    assert attempts.keep_attempt(tmp_path, both(Outcome.PASSED, Outcome.NOT_YET))
    assert not attempts.keep_attempt(tmp_path, both(Outcome.PASSED, Outcome.NOT_YET))
    assert not attempts.keep_attempt(tmp_path, report(Outcome.PASSED))
    assert attempts.keep_attempt(tmp_path, both(Outcome.PASSED, Outcome.PASSED))


def test_attempts_of_an_older_labkit_are_read(tmp_path):
    file = tmp_path / attempts.FILE
    file.parent.mkdir()
    file.write_text(
        '{"labkit": "0.1.0", "kind": "attempt", "time": "2026-01-01T10:00:00+00:00", "content": "v",'
        ' "results": {"01-login": {"earned": 2, "points": 2, "checks": {"c": "passed"}}}, "diagnoses": []}\n'
    )
    assert attempts.ever_done(attempts.read(tmp_path)[0], "01-login")
    assert attempts.keep_attempt(tmp_path, report(Outcome.PASSED))


def test_two_doors_at_once_keep_one_attempt(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: attempts.keep_attempt(tmp_path, report(Outcome.PASSED)), range(20)))
    assert told.count(True) == 1
    assert kept(tmp_path) == ["attempt"]


# ── what is damaged ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_damaged_file_is_set_aside_told_and_made_anew(tmp_path, caplog):
    file = tmp_path / "pid"
    assert keeping.load(file, int, 0) == 0
    assert not caplog.records
    for number, content in enumerate(("", "x\x1b[31m", "seven"), start=1):
        file.write_text(content)
        assert keeping.load(file, int, 0) == 0
        assert not file.exists()
        assert len(list(tmp_path.glob("pid.damaged-*"))) == number
        assert f"! {file} is damaged" in caplog.records[-1].getMessage()
        assert "\x1b" not in caplog.records[-1].getMessage()
    keeping.write_whole(file, "7")
    assert keeping.load(file, int, 0) == 7
    assert len(caplog.records) == 3


def test_a_file_that_was_made_anew_meanwhile_is_not_set_aside(tmp_path):
    file = tmp_path / "pid"
    file.write_text("odd")

    def parse(content):
        if content == b"odd":
            file.write_text("7")
            raise ValueError
        return int(content)

    assert keeping.load(file, parse, 0) == 0
    assert file.read_text() == "7"


def test_half_a_character_is_kept_as_something_that_can_be_written(tmp_path):
    answers.save(tmp_path, "06", {"a": "x\ud800y"})
    assert answers.load(tmp_path) == {"06": {"a": "x?y"}}
    (tmp_path / answers.FILE).write_text('{"06": {"a": "x\\ud800y"}}')
    assert answers.load(tmp_path) == {"06": {"a": "x?y"}}
