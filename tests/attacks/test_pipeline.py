"""A workflow is somebody's program on the machine `ci`: what it tries against the records there, in both forms, as a guest's push."""

import shutil

import pytest
from by_hand import on
from helpers import ROOT, shell

from labkit.lab.lifecycle import provision
from labkit.lab.looking.observe import observe
from labkit.lab.owner import operations
from labkit.lab.playing import reset

TRIED = """\
refused() { if "$@" < /dev/null > /dev/null 2>&1; then echo "WENT: $*"; else echo "refused: $1"; fi; }
refused cat /proc/1/environ
refused ls /srv/app/runs
refused sh -c 'echo {} > /srv/app/runs/99.json'
refused sh -c 'echo {} > /srv/trial/trial.json'
refused touch /lab/ci/leaks.py
refused cat /lab/pki/key.pem
refused touch /srv/app/shop.git/hooks/post-receive
refused kill -9 1
refused kill -9 $(cat /proc/[0-9]*/stat | awk '/python3/ {print $1; exit}')
refused chmod u+s /usr/bin/env
refused su -c true
refused mount -t tmpfs none /srv
setsid sh -c 'sleep 999; echo late' > /dev/null 2>&1 &
echo done
"""

FORMS = {
    "github": (
        ".github/workflows/pipeline.yml",
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: |\n{}",
        10,
    ),
    "gitlab": (".gitlab-ci.yml", "a:\n  script:\n    - |\n{}", 6),
}


@pytest.fixture
def with_ci(running_lab):
    return provision.start_extra(reset.reset_all(running_lab), "ci", print)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(
            form,
            id=form,
            marks=pytest.mark.attack(
                "evidence",
                f"a workflow ({form}) that reads or writes runs, trials, keys, hooks and the grader's programs on ci, ends its"
                " processes, asks for root, and leaves a process behind",
                "Each of them is refused, and the process ends with its run",
            ),
        )
        for form in FORMS
    ],
)
def test_a_workflow_changes_no_record(with_ci, tmp_path, form):
    place, workflow, indent = FORMS[form]
    shutil.copytree(ROOT / "exercises/10-pipeline/files", tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / ".github", ignore_errors=True)
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(workflow.format("".join(f"{' ' * indent}{line}\n" for line in TRIED.splitlines())))
    pushed = shell(
        with_ci, f"cd {tmp_path} && sh connect.sh && git add . && git commit -qm {form} && git push -f origin HEAD:main"
    )
    printed = [line.partition("|")[2].strip() for line in pushed.stderr.splitlines() if "|" in line]
    refused = [line for line in printed if line.startswith("refused: ")]
    assert not [line for line in printed if line.startswith("WENT")], pushed.stderr
    assert len(refused) == TRIED.count("\nrefused "), pushed.stderr
    run = observe(with_ci, ["runs"]).runs.newest
    assert (run.form, run.state) == (form, "success")
    assert "sleep 999" not in on(with_ci, "ci", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert on(with_ci, "ci", "sh", "-c", "stat -c %U:%a /srv/app/runs /lab/ci/leaks.py").split() == [
        "root:700",
        "root:644",
    ]


def test_what_a_guest_may_run_on_ci_is_gits_own_side_of_a_push(with_ci, tmp_path):
    """The owner's answer to what `git push` asks for: the refs of the repository, as git tells them."""
    asked = {"command": ["git", "receive-pack", operations.REPOSITORY], "terminal": None}
    session = operations.session(with_ci, "ci", asked)
    try:
        assert b"report-status" in session.read()[1]
    finally:
        session.close()
    for words in (["bash"], ["git", "receive-pack", "/srv/trial/shop.git"]):
        with pytest.raises(operations.LabError, match="Only the owner may run commands on ci"):
            operations.session(with_ci, "ci", {**asked, "command": words})
