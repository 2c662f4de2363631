"""Harbor: what a project keeps and how much it may take, against a store's folder as pushes leave it."""

# ruff: noqa: F811 (fixtures of the other module)

import pytest
from test_flavour_harbor import harbor, rest, rule, said, shelf, store  # noqa: F401

from labkit.edge.flavours.base import Asked, View
from labkit.edge.flavours.harbor.holding import Artifact
from labkit.edge.flavours.harbor.quotas import sized
from labkit.edge.flavours.harbor.retention import TEMPLATES, retained

DAY = 86400


def retain(template="latestPushedK", number=2, tags="**", repository="**", **more):
    params = {} if template == "always" else {template: number}
    return {**rule(tags, "matches", repository), "action": "retain", "template": template, "params": params, **more}


def policy(*rules, ref=2, **more):
    trigger = {"kind": "Schedule", "settings": {"cron": ""}}
    scope = {"level": "project", "ref": ref}
    return {"algorithm": "or", "rules": list(rules), "trigger": trigger, "scope": scope, **more}


@pytest.fixture
def shop(rest, store):
    """A project with five images of one repository, v1 the oldest, and one of another."""
    assert rest("POST", "/projects", {"project_name": "shop"}).status == 201
    held = {f"v{n}": store.image("shop/app", f"image {n}", f"v{n}", ago=(6 - n) * DAY) for n in range(1, 6)}
    store.image("shop/web", "web", "v1", ago=9 * DAY)
    return held


def run(rest, *rules, dry=False):
    """The tasks of a run of these rules, by repository."""
    made = rest("POST", "/retentions", policy(*rules))
    assert made.status == 201, made.body
    place = made.headers["Location"].removeprefix("/api/v2.0")
    done = rest("POST", f"{place}/executions", {"dry_run": dry})
    assert done.status == 201
    run = done.headers["Location"].removeprefix("/api/v2.0")
    assert rest("GET", f"{place}/executions").body[0]["dry_run"] is dry
    tasks = rest("GET", f"{run}/tasks").body
    logs = {one["repository"]: rest("GET", f"{run}/tasks/{one['id']}").body.decode() for one in tasks}
    return {one["repository"]: (one["total"], one["retained"]) for one in tasks}, logs


def left(shelf, name="shop/app"):
    return set(shelf.tags("harbor", name))


def test_the_newest_stay_and_the_others_are_really_gone(rest, shop, shelf, store):
    told, logs = run(rest, retain(number=2))
    assert told == {"app": (5, 2), "web": (1, 1)}
    assert left(shelf) == {"v4", "v5"} and left(shelf, "shop/web") == {"v1"}
    assert set(shelf.revisions("harbor", "shop/app")) == {shop["v4"], shop["v5"]}
    assert store.blob(b"image 1")["digest"] not in shelf.parts("harbor", "shop")
    assert store.blob(b"{}")["digest"] in shelf.parts("harbor", "shop")
    rows = [line for line in logs["app"].splitlines() if line.startswith("| sha256:")]
    assert [line.split(" | ")[-1].strip(" |") for line in rows] == ["RETAIN"] * 2 + ["DEL"] * 3


def test_a_dry_run_tells_and_deletes_nothing(rest, shop, shelf):
    told, logs = run(rest, retain(number=1), dry=True)
    assert told["app"] == (5, 1) and left(shelf) == set(shop)
    assert "Dry Run: true" in logs["app"] and logs["app"].count("| DEL") == 4


def test_rules_keep_what_any_of_them_keeps_and_touch_no_other_repository(rest, shop, shelf):
    told, _ = run(rest, retain(number=1, repository="app"), retain("always", tags="v1", repository="a*"))
    assert told == {"app": (5, 2)} and left(shelf) == {"v1", "v5"} and left(shelf, "shop/web") == {"v1"}


def test_days_are_counted_by_the_registrys_clock(rest, shop, shelf, harbor):
    told, _ = run(rest, retain("nDaysSinceLastPush", 3), dry=True)
    assert told["app"] == (5, 2)  # pushed 1 and 2 days ago; the third is a moment older than three days
    harbor.clock.move(DAY)
    (number,) = harbor.kept.table("retentions")
    assert rest("POST", f"/retentions/{number}/executions", {"dry_run": False}).status == 201
    assert left(shelf) == {"v5"} and left(shelf, "shop/web") == set()


def test_an_immutable_tag_outlives_retention(rest, shop, shelf):
    assert rest("POST", "/projects/shop/immutabletagrules", rule("v1")).status == 201
    told, logs = run(rest, retain(number=1, repository="app"))
    assert told == {"app": (5, 2)} and left(shelf) == {"v1", "v5"} and "| IMMUTABLE" in logs["app"]


def test_one_tag_that_is_kept_keeps_the_image_with_all_its_tags(rest, shop, shelf, store):
    store.image("shop/app", "image 1", "stable", ago=5 * DAY)
    run(rest, retain("always", tags="stable", repository="app"))
    assert left(shelf) == {"v1", "stable"}


def test_disabled_rules_and_none(rest, shop, shelf):
    told, _ = run(rest, retain(number=1, disabled=True))
    assert told == {} and left(shelf) == set(shop)


def test_images_without_a_tag(shop):
    found = [Artifact("sha256:new", (), 9.0), Artifact("sha256:old", ("v1",), 1.0)]
    untagged = {"kind": "doublestar", "decoration": "matches", "pattern": "**", "extras": '{"untagged":false}'}
    assert retained([retain(number=1)], found, 10.0) == found[:1]
    assert retained([{**retain(number=1), "tag_selectors": [untagged]}], found, 10.0) == found[1:]


def test_a_policy_is_one_of_a_project_and_for_who_may(rest, shop):
    made = rest("POST", "/retentions", policy(retain()))
    place = made.headers["Location"].removeprefix("/api/v2.0")
    number = int(place.rpartition("/")[2])
    assert rest("GET", "/projects/shop").body["metadata"]["retention_id"] == str(number)
    told = rest("GET", place).body
    assert (told["id"], told["scope"], told["rules"][0]["params"]) == (
        number,
        {"level": "project", "ref": 2},
        {"latestPushedK": 2},
    )
    assert said(rest("POST", "/retentions", policy(retain())))[2] == f"project 2 already has retention policy {number}"
    for method, path, body in (
        ("GET", place, None),
        ("PUT", place, policy(retain())),
        ("DELETE", place, None),
        ("POST", f"{place}/executions", {"dry_run": True}),
        ("POST", "/retentions", policy(retain())),
    ):
        assert rest(method, path, body, "colleague").status == 403
        assert rest(method, path, body, None).status == 401
    assert rest("PUT", place, policy(retain(number=7))).status == 200
    assert rest("GET", place).body["rules"][0]["params"] == {"latestPushedK": 7}
    assert rest("PUT", place, policy(retain(), ref=1)).status == 404
    assert rest("GET", f"{place}/executions/99/tasks").status == 404
    assert rest("DELETE", place).status == 200 and rest("GET", place).status == 404
    assert "retention_id" not in rest("GET", "/projects/shop").body["metadata"]
    assert {one["rule_template"] for one in rest("GET", "/retentions/metadatas").body["templates"]} == set(TEMPLATES)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (None, "a policy has rules"),
        (policy(*[retain(number=n) for n in range(16)]), "only 15 rules are allowed at most"),
        (policy(retain(), retain()), "rule 1 is conflict with rule 0"),
        (policy(retain(), ref=77), "invalid Project id 77"),
        (policy(retain(), scope={"level": "system", "ref": 0}), "scope system is not support"),
        (policy(retain("none")), "rule evaluator none is not registered"),
        (policy(retain("latestPulledN")), "does not know when an image was pulled last"),
        (policy({**retain(), "params": {}}), "missing required parameter latestPushedK"),
        (policy(retain(number="2")), "latestPushedK type error"),
        (policy(retain(number=-1)), "latestPushedK is less than zero"),
        (policy(retain(number=40_000)), "latestPushedK is too large"),
        (policy({**retain(), "tag_selectors": []}), "tag_selectors"),
        (policy(retain(), trigger={"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}}), "runs no schedule"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(rest, shop, body, told):
    reply = rest("POST", "/retentions", body)
    assert reply.status in (400, 409) and told in said(reply)[2]


def test_a_policys_past_is_bounded(rest, shop, harbor):
    place = rest("POST", "/retentions", policy(retain("always"))).headers["Location"].removeprefix("/api/v2.0")
    for _ in range(35):
        assert rest("POST", f"{place}/executions", {"dry_run": True}).status == 201
    assert rest("GET", f"{place}/executions").headers["X-Total-Count"] == "30"


# ── quotas ──


def push(harbor, shelf, size, rest="uploads/", digest="", kind="blobs", name="shop/app"):
    return harbor.forbids(
        Asked(View(shelf, "harbor", name), "push", kind, rest, "myusername", size=size, digest=digest)
    )


@pytest.fixture
def full(rest, shop):
    """A project that may take 100 bytes more than it takes; what it takes."""
    used = rest("GET", "/projects/shop/summary").body["quota"]["used"]["storage"]
    assert rest("PUT", "/quotas/2", {"hard": {"storage": used + 100}}, "admin").status == 200
    return used


def test_what_goes_beyond_a_quota_is_refused_in_harbors_words(harbor, shelf, full, store):
    assert push(harbor, shelf, 0) is None and push(harbor, shelf, 5000, "uploads/1") is None
    assert push(harbor, shelf, 100, "uploads/1", "sha256:new") is None
    told = push(harbor, shelf, 2048, "uploads/1", "sha256:new")
    assert (told.status, told.code, told.reason) == (403, "DENIED", "quota")
    assert told.message == (
        f"adding 2.0 KiB of storage resource, which when updated to current usage of {sized(full)} will exceed the "
        f"configured upper limit of {sized(full + 100)}."
    )
    assert push(harbor, shelf, 2048, "uploads/1", store.blob(b"image 1")["digest"]) is None  # it is there already
    assert push(harbor, shelf, 101, "v9", kind="manifests").status == 403
    assert push(harbor, shelf, 5000, "uploads/1", "sha256:new", name="library/app") is None


def test_a_project_that_is_beyond_its_quota_begins_nothing(harbor, shelf, full, store):
    store.blob(b"x" * 101, "shop/app")
    told = push(harbor, shelf, 0)
    assert told.message.startswith("subtracting 0 B of storage resource")


def test_what_is_deleted_makes_room(harbor, shelf, full, rest):
    assert push(harbor, shelf, 110, "uploads/1", "sha256:new").status == 403
    assert rest("DELETE", "/projects/shop/repositories/app/artifacts/v1").status == 200
    assert push(harbor, shelf, 110, "uploads/1", "sha256:new") is None


def test_quotas_are_the_admins(rest, shop):
    assert rest("GET", "/quotas").status == 403 and rest("GET", "/quotas", user=None).status == 401
    assert rest("PUT", "/quotas/2", {"hard": {"storage": 1}}).status == 403
    (told,) = rest("GET", "/quotas", user="admin", query={"reference": "project", "reference_id": "2"}).body
    assert (told["ref"]["name"], told["hard"], told["used"]["storage"] > 1000) == ("shop", {"storage": -1}, True)
    assert rest("GET", "/quotas/9", user="admin").status == 404
    for body in (None, {}, {"hard": {}}, {"hard": {"count": 1}}, {"hard": {"storage": 0}}, {"hard": {"storage": "1"}}):
        assert rest("PUT", "/quotas/2", body, "admin").status == 400
    for user, limit in (("myusername", -1), ("admin", 1000)):
        made = rest("POST", "/projects", {"project_name": f"of-{user}", "storage_limit": 1000}, user)
        number = made.headers["Location"].rpartition("/")[2]
        assert rest("GET", f"/quotas/{number}", user="admin").body["hard"] == {"storage": limit}


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1572864, "1.5 MiB"), (2**40, "1.0 TiB")]
)
def test_bytes_as_harbor_writes_them(number, text):
    assert sized(number) == text
