"""What a service's apps answer when the lab asks for their page."""

from labkit.content.check import fail, wait_for
from labkit.content.facts import tasks
from labkit.content.facts.deploying import find_service
from labkit.content.scope import Scope
from labkit.seen.pages import Page
from labkit.seen.swarm import Task, seconds_between

SLOW = 15.0
"""An app may take this many seconds from its start to its first answer."""

FOUND = 200
"""The HTTP status of a page that exists."""


QUOTED = 80
"""Quote at most this many characters of a page."""


def pages_answer(lab: Scope, name: str) -> str:
    """Every running task of the service answers with a page, and the page is a file in its image. Ask first whether they run
    (service_runs)."""
    service = find_service(lab, name)
    assert service is not None  # service_exists comes first
    values = {"expected": "your page, from the image", "service": service.name}
    running = [task for task in service.running if not tasks.out_of_reach(lab, task)]
    asked = [(task, lab.page(task.node, task.id)) for task in running]
    files = set()
    for task, page in asked:
        if page is None or page.status != FOUND:
            continue
        where = f"{_place(name, task)}, port {page.port}: {_quoted(page)}"
        if page.sample:
            fail("page-sample", found=where, **values)
        if not page.file:
            fail("page-not-in-image", found=where, **values)
        files.add(page.file)
    missing = [(task, page) for task, page in asked if page is None or page.status != FOUND]
    if not missing:
        return f"{len(asked)} tasks answer with {', '.join(sorted(files))}"
    late = [(task, page) for task, page in missing if seconds_between(task.since, lab.taken) > SLOW]
    for task, page in late:
        if page and page.status:
            fail("page-other", found=f"{_place(name, task)}, port {page.port}: {page.status}", **values)
    if late:
        # Name all of them: which ones are late by now depends on the moment.
        silent: dict[str, list[str]] = {}
        for task, page in missing:
            silent.setdefault(_silence(page), []).append(_place(name, task))
        found = "; ".join(f"{', '.join(places)}: {how}" for how, places in silent.items())
        fail("page-none", found=found, **values)
    told = ", ".join(_place(name, task) for task, _ in missing)
    wait_for(f"no page yet from {told}", found=told, since=max(task.since for task, _ in missing))


def _place(name: str, task: Task) -> str:
    return f"{name}.{task.place} on {task.node}"


def _quoted(page: Page) -> str:
    return f"“{' '.join(page.text.split())[:QUOTED]}”" if page.size else "an empty page"


def _silence(page: Page | None) -> str:
    if page is None:
        return "the lab did not find its container"
    return f"no HTTP on port {page.port}" if page.port else "it does not listen on any port"
