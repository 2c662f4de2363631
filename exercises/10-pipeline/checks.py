from labkit.content.check import Evidence, check, fail, passed, wait_for
from labkit.content.scope import Scope
from labkit.seen import reference
from labkit.seen.runs import BRANCH, SHORTEST, SUCCESS, Played, Run, Trial

NAME = "shop"

COMMITS = {"github": "$GITHUB_SHA", "gitlab": "$CI_COMMIT_SHA"}
"""{form: where a workflow finds its commit}"""

GROUPS = {"github": "concurrency: deploy in the workflow", "gitlab": "resource_group: deploy in the job that deploys"}
"""{form: how runs are told to wait for each other}"""


def repository(lab: Scope) -> str:
    """myusername/shop, or the learner's own."""
    return f"{lab.person.username}/{NAME}"


def tried(lab: Scope) -> Trial:
    """The last trial, which must be of the commit that the repository has now."""
    trial, head = lab.runs.trial, lab.runs.heads.get(BRANCH, "")
    if trial is None or trial.head != head:
        found = f"a trial of {trial.head[:7]}" if trial else "no trial"
        fail("pipeline-untried", expected=f"a trial of {head[:7]}", found=found)
    return trial


def played(lab: Scope, kind: str) -> Played:
    """What was seen of that commit. A trial ends after the good one where its run failed or deployed nothing."""
    found = tried(lab).of(kind)
    if found is None:
        fail("pipeline-untried", expected=f"a trial with the commit “{kind}”", found="a trial that ended before it")
    return found


def step(run: Run) -> str:
    """Where a run failed, in words."""
    return f"the step “{run.failed}”" if run.failed else f"the run ({run.state})"


def digest_of(image: str) -> str:
    found = reference.parse(image)
    return found.digest if found else ""


def version_digest(seen: Played) -> str:
    """What the version's tag leads to, or ""."""
    return seen.tags.get(seen.version, "")


def runs_whole(seen: Played, digest: str) -> bool:
    """Whether the service has this digest, and all its replicas run it."""
    images = {digest_of(image) for image in seen.running}
    return digest_of(seen.service) == digest and images == {digest} and len(seen.running) == seen.replicas > 0


def running(seen: Played) -> str:
    return f"{len(seen.running)} of {seen.replicas} tasks run {', '.join(sorted(set(seen.running))) or 'nothing'}"


@check(
    points=1,
    hints=[
        "The folder 10-pipeline beside the notebooks becomes a git repository by sh connect.sh.",
        "git add and git commit keep your files, git push sends them. The answer shows the run, line by line.",
        "git push origin main",
    ],
)
def pushed(lab: Scope) -> str:
    """A push to your repository starts a run, and the run succeeds."""
    heads = lab.runs.heads
    if BRANCH not in heads:
        if heads:
            fail("pipeline-other-branch", expected=BRANCH, found=sorted(heads), branch=sorted(heads)[0])
        fail("pipeline-not-pushed", expected=f"a commit on {BRANCH}", found="an empty repository")
    run = lab.runs.newest
    if run is None:
        fail("pipeline-no-run", expected="a run", found=heads[BRANCH][:7])
    if not run.over:
        wait_for(f"run {run.number} of your workflow", found=run.state, since=run.began)
    if run.refused == "none":
        fail("pipeline-no-workflow", expected=".github/workflows/pipeline.yml or .gitlab-ci.yml", found="neither")
    if run.refused == "both":
        fail("pipeline-two-forms", expected="one of the two", found=".github/workflows and .gitlab-ci.yml")
    if run.refused == "old":
        fail("pipeline-only", expected="rules:", found="only: or except:")
    if run.state == "timeout":
        fail("pipeline-too-long", expected=SUCCESS, found=f"run {run.number}: {run.state}", where=step(run))
    if run.state != SUCCESS:
        expected, found = f"run {run.number} succeeds", f"run {run.number}: {run.state}"
        fail("pipeline-run-failed", expected=expected, found=found, where=step(run))
    return f"run {run.number} of {run.commit[:7]}: {', '.join(one.step for one in run.stages)}"


@check(
    points=2,
    needs=["pushed"],
    hints=[
        "The app has a test, test.sh. Whose exit status is not 0 has found a mistake.",
        "A step that fails ends its job: what comes after it does not happen. So the test comes before the push.",
        "Between build and push: sh test.sh IMAGE. On GitHub a step, on GitLab a job of its own stage.",
    ],
)
def tested(lab: Scope) -> str:
    """A commit whose test fails pushes nothing."""
    seen = played(lab, "failing")
    if seen.pushed:
        one = seen.pushed[0]
        what = f"{one.repository}:{one.reference}" if ":" not in one.reference else f"{one.repository}@{one.reference}"
        fail("pipeline-pushed-untested", expected="nothing pushed", found=what)
    if not seen.tested:
        fail("pipeline-never-tested", expected="test.sh is run on an image", found="no image was given to test.sh")
    if seen.run.state == SUCCESS:
        fail("pipeline-test-ignored", expected="a failed run", found="a run that succeeded")
    return f"the run ended at {step(seen.run)}, and nothing was pushed"


@check(
    points=3,
    needs=["pushed"],
    hints=[
        "An image gets two tags: its version, which people read, and its commit, which says where it came from.",
        "docker tag gives the tested image both names. Push both. $GITHUB_SHA has the commit; in GitLab's form $CI_COMMIT_SHA.",
        "docker tag IMAGE myusername/shop:$(cat VERSION); docker push …; the same with the commit",
    ],
)
def released(lab: Scope) -> str:
    """A good commit's image is on Docker Hub under its version and its commit: the very image that was tested."""
    seen = played(lab, "good")
    own = repository(lab)
    if seen.run.state != SUCCESS:
        fail("pipeline-good-failed", expected="a run that succeeds", found=seen.run.state, where=step(seen.run))
    names = [f"{one.repository}:{one.reference}" for one in seen.pushed]
    here = [one for one in seen.pushed if one.registry == "hub" and one.repository == own]
    if not here and not seen.tags:
        nothing = "pipeline-other-repository" if names else "pipeline-pushes-nothing"
        fail(nothing, expected=f"{own}:{seen.version}", found=names, repository=own)
    digest = version_digest(seen)
    if not digest:
        fail("pipeline-no-version", expected=f"{own}:{seen.version}", found=names, version=seen.version)
    commits = {tag: held for tag, held in seen.tags.items() if len(tag) >= SHORTEST and seen.run.commit.startswith(tag)}
    if not commits:
        expected = f"{own}:{seen.run.commit}"
        variable = COMMITS.get(seen.run.form, "$GITHUB_SHA")
        fail("pipeline-no-commit", expected=expected, found=names, commit=seen.run.commit[:SHORTEST], variable=variable)
    if set(commits.values()) != {digest}:
        found = [f"{tag}: {held}" for tag, held in seen.tags.items()]
        fail("pipeline-two-images", expected="one digest", found=found)
    if not seen.tested:
        fail("pipeline-never-tested", expected="test.sh is run on an image", found="no image was given to test.sh")
    if seen.configs.get(digest, "") not in seen.tested:
        fail("pipeline-built-again", expected=list(seen.tested), found=seen.configs.get(digest, "another image"))
    return f"{seen.version} and {min(commits, key=len)[:SHORTEST]} are {digest}"


@check(
    points=3,
    needs=["released"],
    hints=[
        "docker push prints the digest. A name with a digest always means this image.",
        "docker service update --image changes what a service runs; a service that is not there yet must be created.",
        "docker service update --image myusername/shop@sha256:… shop",
    ],
)
def deployed(lab: Scope) -> str | Evidence:
    """The service shop runs a good commit's image, by the digest that was tested."""
    seen = played(lab, "good")
    digest = version_digest(seen)
    if not seen.service:
        fail("pipeline-no-service", expected=NAME, found=list(seen.services))
    if not digest_of(seen.service):
        fail("pipeline-by-tag", expected=f"{repository(lab)}@{digest}", found=seen.service)
    if digest_of(seen.service) != digest:
        fail("pipeline-other-digest", expected=digest, found=seen.service)
    if not runs_whole(seen, digest):
        fail("pipeline-tasks", expected=f"all tasks run {digest}", found=running(seen))
    asked = reference.parse(seen.service)
    by_tag = bool(asked and asked.tag)
    return passed(running(seen), note="pipeline-tag-resolved" if by_tag else "")


@check(
    points=1,
    needs=["deployed"],
    hints=[
        "A run can be started again, for the same commit. Then the service is there already.",
        "Update the service where it exists, create it where it doesn't. The same commit gives the same image.",
        "docker service inspect shop > /dev/null 2>&1 tells by its exit status whether it exists",
    ],
)
def repeatable(lab: Scope) -> str:
    """The same commit once more changes nothing."""
    good, seen = played(lab, "good"), played(lab, "again")
    if seen.run.state != SUCCESS:
        fail("pipeline-again-failed", expected="a run that succeeds", found=seen.run.state, where=step(seen.run))
    digest = version_digest(good)
    if version_digest(seen) != digest:
        found = version_digest(seen) or "no such tag"
        fail("pipeline-again-moved", expected=digest, found=found, version=good.version)
    if seen.services != good.services:
        more = sorted({*seen.services} ^ {*good.services})
        fail("pipeline-again-services", expected=list(good.services), found=list(seen.services), more=", ".join(more))
    if not runs_whole(seen, digest):
        fail("pipeline-tasks", expected=f"all tasks run {digest}", found=running(seen))
    return running(seen)


@check(
    points=3,
    needs=["deployed"],
    hints=[
        "Run sh smoke.sh shop VERSION after the deployment. What should happen when it fails?",
        "docker service rollback brings back what ran before. The run has to fail all the same, so that somebody looks.",
        "sh smoke.sh shop $(cat VERSION) || { docker service rollback shop; exit 1; }",
    ],
)
def rolled_back(lab: Scope) -> str:
    """A release that fails its smoke test is rolled back, and its run fails."""
    good, seen = played(lab, "good"), played(lab, "rotten")
    before, bad = version_digest(good), version_digest(seen)
    now = digest_of(seen.service)
    if bad and now == bad:
        left = "pipeline-smoke-ignored" if seen.run.state == SUCCESS else "pipeline-not-rolled-back"
        fail(left, expected=before, found=seen.service, version=seen.version)
    if not seen.service:
        fail("pipeline-rolled-away", expected=before, found="no service")
    if now != before:
        fail("pipeline-rolled-elsewhere", expected=before, found=seen.service)
    if not runs_whole(seen, before):
        fail("pipeline-tasks", expected=f"all tasks run {before}", found=running(seen))
    if seen.run.state == SUCCESS:
        fail("pipeline-rolled-silently", expected="a failed run", found="a run that succeeded")
    return f"{good.version} runs again: {running(seen)}"


@check(
    points=2,
    needs=["released"],
    hints=[
        "The runner gives the workflow the password, as REGISTRY_PASSWORD. It belongs nowhere else.",
        "Print it in no form, put it into no image and no file. docker login reads it with --password-stdin.",
        'echo "$PASSWORD" | docker login -u … --password-stdin. GitHub: env: { PASSWORD: "${{ secrets.REGISTRY_PASSWORD }}" }',
    ],
)
def secret(lab: Scope) -> str:
    """The password is in no log, in no image, and not in the repository, in whatever form."""
    trial = tried(lab)
    if trial.file_leaks:
        files = list(trial.file_leaks)
        fail("pipeline-secret-in-files", expected="no secret in a file", found=files, files=", ".join(files))
    mine = lab.runs.newest
    runs = [*(one.run for one in trial.played), *([mine] if mine else [])]
    if forms := sorted({form for run in runs for form in run.leaks}):
        fail("pipeline-secret-in-log", expected="no secret in a log", found=forms, forms=", ".join(forms))
    if forms := sorted({form for one in trial.played for form in one.image_leaks}):
        fail("pipeline-secret-in-image", expected="no secret in an image", found=forms, forms=", ".join(forms))
    return f"{len(runs)} logs and the pushed images were read"


@check(
    points=2,
    needs=["deployed"],
    hints=[
        "Two runs at once overtake each other: the earlier one may deploy last.",
        "GitHub calls it concurrency, GitLab resource_group: of one group, one run goes on and the later one waits.",
        "GitHub, beside on: and jobs:   concurrency: deploy. GitLab, in the job that deploys:   resource_group: deploy",
    ],
)
def later_wins(lab: Scope) -> str:
    """After two pushes at once, the Swarm runs the later one."""
    earlier, later = played(lab, "earlier"), played(lab, "later")
    digest = version_digest(later)
    now = digest_of(later.service)
    if digest and now == digest:
        if not runs_whole(later, digest):
            fail("pipeline-tasks", expected=f"all tasks run {digest}", found=running(later))
        return f"{later.version} runs: {running(later)}"
    if later.run.good and now and now == version_digest(earlier):
        group = GROUPS.get(later.run.form, GROUPS["github"])
        fail("pipeline-earlier-won", expected=later.version, found=earlier.version, group=group)
    where = "the deployment" if later.run.good else step(later.run)
    group = GROUPS.get(later.run.form, GROUPS["github"])
    expected = f"{later.version}, {digest or 'pushed'}"
    fail("pipeline-later-lost", expected=expected, found=later.service, where=where, group=group)
