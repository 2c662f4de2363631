"""Harbor: projects, members, robots, immutable tags and artifacts, in its own words. Retention and quotas: test_flavour_harbor_keeping."""

from urllib.parse import parse_qs, urlsplit

import pytest
from stored import Store
from test_flavours import asked

from labkit.edge.flavours import flavours
from labkit.edge.flavours.base import View
from labkit.edge.flavours.harbor import Harbor
from labkit.edge.flavours.harbor.patterns import fits, selects_any
from labkit.edge.flavours.routes import Call
from labkit.edge.shelf import Shelf

PULL, PUSH = {"resource": "repository", "action": "pull"}, {"resource": "repository", "action": "push"}
ALL = {"pull", "push", "delete"}
ROLES = {"projectAdmin": 1, "developer": 2, "guest": 3, "maintainer": 4, "limitedGuest": 5}


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "store")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", "harbor")


@pytest.fixture
def harbor(tmp_path):
    return flavours(tmp_path / "kept")["harbor"]


@pytest.fixture
def rest(harbor, shelf):
    """Asks the API: (method, path, body, user, query) gives a reply."""

    def ask(method, path, body=None, user="myusername", query=None):
        answer, parts = harbor.routes.find(method, f"/api/v2.0{path}")
        return answer(harbor, Call(method, f"/api/v2.0{path}", parts, query or {}, body, user, shelf))

    return ask


@pytest.fixture
def shop(rest, store):
    """A project with two artifacts, of which the newer has two tags: their digests, the newer first."""
    assert rest("POST", "/projects", {"project_name": "shop"}).status == 201
    old = store.image("shop/app", "old", "old", ago=100)
    return store.image("shop/app", "new", "v1", "dev"), old


def said(reply):
    (one,) = reply.body["errors"]
    return reply.status, one["code"], one["message"]


def robot(project="shop", name="ci", access=(PULL, PUSH), **more):
    permissions = [{"kind": "project", "namespace": project, "access": list(access)}]
    return {"name": name, "level": "project", "duration": 30, "permissions": permissions, **more}


def rule(pattern="v*", decoration="matches", repository="**", **more):
    selector = {"kind": "doublestar", "decoration": decoration, "pattern": pattern}
    scope = {"kind": "doublestar", "decoration": "repoMatches", "pattern": repository}
    return {"tag_selectors": [selector], "scope_selectors": {"repository": [scope]}, **more}


def may(harbor, user, name):
    return harbor.allowed(user, View(None, "harbor", name))


def join(rest, role, user="colleague"):
    return rest("POST", "/projects/shop/members", {"role_id": ROLES[role], "member_user": {"username": user}})


def test_no_part_of_harbor_takes_a_name_of_anothers():
    parts = [vars(part) for part in Harbor.__mro__ if part.__module__.startswith("labkit.edge.flavours.harbor.")]
    names = [name for part in parts for name in part if not name.startswith("__")]
    assert len(parts) == 8 and sorted(names) == sorted(set(names))


# ── sign-in and rights ──


def test_a_project_must_exist_before_its_repositories(harbor, rest, shelf):
    told = harbor.denied(asked(harbor, shelf, "push", "shop/app", user="myusername"))
    assert (told.status, told.code, told.reason) == (401, "UNAUTHORIZED", "no-such-project")
    assert told.message == "project shop not found: project shop not found"
    reply = rest("POST", "/projects", {"project_name": "shop", "metadata": {"public": "false"}})
    assert (reply.status, reply.headers["Location"]) == (201, "/api/v2.0/projects/2")
    assert may(harbor, "myusername", "shop/app") == may(harbor, "admin", "shop/app") == ALL
    for user, name in (("colleague", "shop/app"), (None, "shop/app"), ("admin", "shop")):
        assert may(harbor, user, name) == set()
    assert may(harbor, None, "library/busybox") == may(harbor, "colleague", "library/new") == {"pull"}
    assert said(rest("POST", "/projects", {"project_name": "shop"})) == (
        409,
        "CONFLICT",
        "The project named shop already exists",
    )


def test_who_has_no_right_is_told_twice(harbor, shop, shelf):
    told = harbor.denied(asked(harbor, shelf, "push", "shop/app", user="colleague"))
    line = "unauthorized to access repository: shop/app, action: push"
    assert (told.code, told.message, told.reason) == ("UNAUTHORIZED", f"{line}: {line}", "foreign-namespace")
    assert harbor.denied(asked(harbor, shelf, "pull", "shop/app")).reason == "not-signed-in"
    assert harbor.misnamed("app").message == "bad request: invalid repository name: app"
    assert harbor.misnamed("shop/app") is None


def test_how_harbor_asks_to_sign_in(harbor):
    assert harbor.challenge("repository:a/b:pull", sent="Bearer x") == 'Basic realm="harbor"'
    assert harbor.challenge("registry:catalog:*") == 'Basic realm="harbor"'
    assert harbor.may_list("admin") and not harbor.may_list("myusername") and not harbor.may_list(None)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("projectAdmin", ALL),
        ("maintainer", ALL),
        ("developer", {"pull", "push"}),
        ("guest", {"pull"}),
        ("limitedGuest", {"pull"}),
    ],
)
def test_what_each_role_may_do(harbor, rest, shop, role, rights):
    reply = join(rest, role)
    assert reply.status == 201
    assert may(harbor, "colleague", "shop/app") == rights
    artifact = f"/projects/shop/repositories/app/artifacts/{shop[1]}"
    assert rest("GET", artifact, user="colleague").status == 200
    assert rest("GET", "/projects/shop/members", user="colleague").status == (403 if role == "limitedGuest" else 200)
    assert rest("POST", "/robots", robot(), "colleague").status == (201 if role == "projectAdmin" else 403)
    deletes = 200 if "delete" in rights else 403
    assert rest("DELETE", artifact, user="colleague").status == deletes
    assert rest("POST", "/projects/shop/immutabletagrules", rule(), "colleague").status == (
        201 if deletes == 200 else 403
    )
    number = reply.headers["Location"].rpartition("/")[2]
    assert rest("DELETE", f"/projects/shop/members/{number}").status == 200
    assert may(harbor, "colleague", "shop/app") == set()


# ── members ──


def test_a_projects_members(harbor, rest, shop):
    (owner,) = rest("GET", "/projects/shop/members").body
    assert (owner["entity_name"], owner["role_name"], owner["entity_type"]) == ("myusername", "projectAdmin", "u")
    place = join(rest, "guest").headers["Location"].removeprefix("/api/v2.0")
    told = rest("GET", place).body
    assert (told["entity_name"], told["role_id"], told["role_name"]) == ("colleague", 3, "guest")
    assert said(join(rest, "guest")) == (409, "CONFLICT", "The project member specified already exist")
    assert rest("PUT", place, {"role_id": 2}).status == 200
    assert may(harbor, "colleague", "shop/app") == {"pull", "push"}
    assert said(rest("PUT", place, {"role_id": 6}))[2] == "Failed to update project member, role is not in 1,2,3"
    assert rest("PUT", place, {"role_id": 1}, "colleague").status == 403
    assert rest("GET", f"{place}9").status == 404 and rest("GET", place, user=None).status == 401
    assert [one["entity_name"] for one in rest("GET", "/projects/shop/members", query={"entityname": "coll"}).body] == [
        "colleague"
    ]
    number = rest("GET", "/users/search", query={"username": "colleague"}).body[0]["user_id"]
    assert said(rest("POST", "/projects/shop/members", {"role_id": 2, "member_user": {"user_id": number}}))[0] == 409
    for user, status in (({"username": "nobody"}, 404), ({"user_id": 77}, 400), ({}, 400), (None, 400)):
        assert rest("POST", "/projects/shop/members", {"role_id": 2, "member_user": user}).status == status
    assert rest("POST", "/projects/shop/members", {"role_id": True, "member_user": {"username": "admin"}}).status == 400
    assert rest("GET", "/users/current").body == {"user_id": 2, "username": "myusername", "sysadmin_flag": False}


def test_who_made_a_project_can_lose_it(harbor, rest, shop):
    join(rest, "projectAdmin")
    (owner, _) = rest("GET", "/projects/shop/members").body
    assert rest("DELETE", f"/projects/shop/members/{owner['id']}", user="colleague").status == 200
    assert may(harbor, "myusername", "shop/app") == set()
    assert rest("GET", "/projects/shop").status == 403


# ── robots ──


def test_a_robot_does_what_its_permissions_name_in_its_project(harbor, rest, shop):
    reply = rest("POST", "/robots", robot())
    assert reply.status == 201 and reply.body["name"] == "robot$shop+ci"
    assert harbor.sign_in("robot$shop+ci", reply.body["secret"]).kind == "robot"
    assert harbor.sign_in("robot$shop+ci", "wrong").reason == "wrong-password"
    assert reply.body["secret"] not in str(harbor.kept.said)
    assert may(harbor, "robot$shop+ci", "shop/app") == {"pull", "push"}
    assert may(harbor, "robot$shop+ci", "library/busybox") == {"pull"}
    assert rest("POST", "/robots", robot(name="look", access=[PULL])).status == 201
    assert may(harbor, "robot$shop+look", "shop/app") == {"pull"}
    assert rest("POST", "/robots", robot(name="push", access=[PUSH])).status == 201
    assert may(harbor, "robot$shop+push", "shop/app") == {"pull", "push"}
    renewed = rest("PATCH", f"/robots/{reply.body['id']}", {}).body["secret"]
    assert harbor.sign_in("robot$shop+ci", reply.body["secret"]).status == 401
    harbor.clock.move(29 * 86400)
    assert harbor.sign_in("robot$shop+ci", renewed).name == "robot$shop+ci"
    harbor.clock.move(86400)
    assert harbor.sign_in("robot$shop+ci", renewed).status == 401
    assert rest("DELETE", f"/robots/{reply.body['id']}").status == 200
    assert may(harbor, "robot$shop+ci", "shop/app") == set()


def test_a_robot_that_is_changed(harbor, rest, shop):
    made = rest("POST", "/robots", robot()).body
    place, name = f"/robots/{made['id']}", made["name"]
    assert rest("PUT", place, robot(name=name, disable=True)).status == 200
    refusal = harbor.sign_in(name, made["secret"])
    assert (refusal.status, refusal.message, refusal.reason) == (401, "authentication required", "wrong-password")
    assert rest("GET", place).body["disable"] is True
    assert rest("PUT", place, robot(name=name, access=[PULL], duration=1)).status == 200
    assert harbor.sign_in(name, made["secret"]).name == name and may(harbor, name, "shop/app") == {"pull"}
    harbor.clock.move(86400)
    assert harbor.sign_in(name, made["secret"]).status == 401
    assert rest("PUT", place, robot(name=name, duration=-1)).status == 200
    assert harbor.sign_in(name, made["secret"]).name == name
    told = "cannot update the level or name of robot"
    assert said(rest("PUT", place, robot(name="other")))[2] == told
    assert said(rest("PUT", place, robot("library", name=name)))[2] == "cannot update the project id of robot"
    assert said(rest("PATCH", place, {"secret": "weak"}))[2].startswith("the secret must be 8-128, inclusively")
    assert rest("PATCH", place, {"secret": "Good4Harbor"}).body == {"secret": ""}
    assert harbor.sign_in(name, "Good4Harbor").name == name


def test_a_robot_gives_no_more_than_it_has(harbor, rest, shop):
    maker = robot(name="maker", access=[PULL, {"resource": "robot", "action": "create"}])
    name = rest("POST", "/robots", maker).body["name"]
    assert rest("POST", "/robots", robot(name="less", access=[PULL]), name).status == 201
    status, code, told = said(rest("POST", "/robots", robot(name="more"), name))
    assert (status, code) == (403, "DENIED") and told.startswith("permission scope is invalid.")
    assert rest("POST", "/projects", {"project_name": "its"}, name).status == 403


def test_robots_of_the_whole_harbor_are_its_admins(harbor, rest, shop):
    everywhere = robot("*", "all", level="system", duration=-1)
    assert said(rest("POST", "/robots", everywhere)) == (403, "FORBIDDEN", "forbidden")
    reply = rest("POST", "/robots", everywhere, "admin")
    assert (reply.body["name"], reply.body["expires_at"]) == ("robot$all", -1)
    assert may(harbor, "robot$all", "shop/app") == may(harbor, "robot$all", "library/x") == {"pull", "push"}
    assert [one["name"] for one in rest("GET", "/robots", user="admin").body] == ["robot$all"]
    assert rest("GET", "/robots").status == 403
    assert rest("GET", f"/robots/{reply.body['id']}").status == 403
    assert rest("GET", "/robots/99").status == 404
    rest("POST", "/robots", robot())
    query = {"q": "Level=project,ProjectID=2"}
    assert [one["name"] for one in rest("GET", "/robots", query=query).body] == ["robot$shop+ci"]
    assert rest("GET", "/robots", query=query, user="colleague").status == 403
    assert rest("GET", "/robots", query={"q": "Level=project"}).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 400),
        (robot(name="CI"), 400),
        (robot(duration=0), 400),
        (robot(duration="x"), 400),
        (robot(level="x"), 400),
        (robot(permissions=[]), 400),
        (robot(permissions="x"), 400),
        (robot(access=[]), 400),
        (robot(access=["x", 7]), 400),
        (robot(access=[{"resource": "repository", "action": "fly"}]), 400),
        (robot("none"), 404),
        (robot("*"), 404),
        (robot(7), 400),
    ],
)
def test_a_robot_that_cannot_be_is_refused(harbor, rest, shop, body, status):
    assert rest("POST", "/robots", body).status == status
    assert not harbor.robots


# ── immutable tags ──


def test_a_tag_that_is_immutable_stays_what_it_is(harbor, rest, shop, shelf):
    new, old = shop

    def forbidden(action, rest="v1"):
        return harbor.forbids(asked(harbor, shelf, action, "shop/app", rest, "myusername"))

    assert forbidden("push") is None
    made = rest("POST", "/projects/shop/immutabletagrules", rule())
    assert made.status == 201
    told = forbidden("push")
    assert (told.status, told.code, told.reason) == (412, "PRECONDITION", "immutable")
    assert told.message == "Failed to process request due to 'app:v1' configured as immutable."
    assert forbidden("push", "v2") is forbidden("push", "dev") is forbidden("push", new) is None
    assert forbidden("delete", new).status == 412 and forbidden("delete", old) is None
    assert forbidden("pull") is None
    below = "/projects/shop/repositories/app"
    told = (412, "PRECONDITION", "the tag v1 configured as immutable, cannot be deleted")
    for path in (below, f"{below}/artifacts/{new}", f"{below}/artifacts/dev/tags/v1"):
        assert said(rest("DELETE", path)) == told
    assert rest("POST", "/projects/shop/immutabletagrules", rule()).status == 409
    place = made.headers["Location"].removeprefix("/api/v2.0")
    assert rest("PUT", place, rule(disabled=True)).status == 200 and forbidden("push") is None
    assert rest("PUT", place, rule()).status == 200 and forbidden("push").status == 412
    assert rest("DELETE", place).status == 200 and forbidden("push") is None
    assert rest("DELETE", place).status == rest("PUT", place, rule()).status == 404
    assert rest("POST", "/projects/2/immutabletagrules", rule("dev", "excludes", "a*")).status == 201
    assert forbidden("push").status == 412 and forbidden("push", "dev") is None


def test_what_a_rule_must_be(harbor, rest, shop):
    for body in (None, {}, rule(""), rule("v*", "repoMatches"), {**rule(), "scope_selectors": {}}):
        assert rest("POST", "/projects/shop/immutabletagrules", body).status == 400
    assert rest("POST", "/projects/shop/immutabletagrules", rule(), "colleague").status == 403
    assert rest("POST", "/projects/shop/immutabletagrules", rule(), None).status == 401
    assert rest("POST", "/projects/library/immutabletagrules", rule(), "admin").status == 201
    assert len(rest("GET", "/projects/library/immutabletagrules", user="admin").body) == 1
    harbor.kept.forget()
    assert harbor.projects["library"]["rules"] == []


@pytest.mark.parametrize(
    ("pattern", "text", "right"),
    [
        ("v*", "v1.0", True),
        ("v*", "a/v1", False),
        ("**", "a/b/c", True),
        ("*", "a/b", False),
        ("v?.{1,2}", "v1.2", True),
        ("v?.{1,2}", "v1.3", False),
        ("{a,b{c,d}}", "bd", True),
        ("", "x", False),
        ("a.c", "abc", False),
        ("*a*a*a*a*a*a*a*b", "a" * 128, False),
        ("{" * 50, "{" * 50, True),
    ],
)
def test_patterns(pattern, text, right):
    assert fits(pattern, text) is right


@pytest.mark.parametrize(
    ("decoration", "tags", "extras", "chosen"),
    [
        ("matches", ["v1", "dev"], "", True),
        ("matches", ["dev"], "", False),
        ("excludes", ["v1", "dev"], "", True),
        ("excludes", ["v1"], "", False),
        ("matches", [], "", True),
        ("matches", [], '{"untagged":false}', False),
        ("excludes", [], "", True),
        ("excludes", [], '{"untagged": true}', False),
    ],
)
def test_an_image_is_chosen_by_one_of_its_tags_or_for_having_none(decoration, tags, extras, chosen):
    selector = {"kind": "doublestar", "decoration": decoration, "pattern": "v*", "extras": extras}
    assert selects_any(selector, tags) is chosen


# ── projects, repositories, artifacts ──


def test_projects_are_told_to_those_who_may_see_them(rest, shop):
    names = [one["name"] for one in rest("GET", "/projects").body]
    assert names == ["library", "shop"]
    assert [one["name"] for one in rest("GET", "/projects", user="colleague").body] == ["library"]
    assert rest("HEAD", "/projects", query={"project_name": "shop"}).status == 200
    assert rest("HEAD", "/projects", query={"project_name": "none"}).status == 404
    assert rest("HEAD", "/projects", user=None).status == 401
    assert rest("GET", "/projects/shop", user="colleague").status == 403
    assert rest("GET", "/projects/shop").body["repo_count"] == 1
    assert said(rest("GET", "/projects/none")) == (404, "NOT_FOUND", "project none not found")
    assert rest("GET", "/projects/none", user=None).status == 401
    assert rest("PUT", "/projects/shop", {"metadata": {"public": "true"}}, "colleague").status == 403
    assert rest("PUT", "/projects/shop", {"metadata": {"public": "true"}}).status == 200
    assert rest("GET", "/projects/shop", user=None).body["metadata"] == {"public": "true"}
    assert rest("GET", "/projects/shop/members", user="colleague").status == 403
    assert rest("GET", "/ping").status == rest("GET", "/systeminfo").status == 200


def test_what_is_told_of_artifacts(rest, shop, store):
    new, old = shop
    (told,) = rest("GET", "/projects/shop/repositories").body
    assert (told["name"], told["artifact_count"]) == ("shop/app", 2)
    assert [one["name"] for one in rest("GET", "/repositories", user="admin").body] == ["shop/app"]
    below = "/projects/shop/repositories/app/artifacts"
    first, last = rest("GET", below).body
    assert ([tag["name"] for tag in first["tags"]], first["digest"], last["digest"]) == (["dev", "v1"], new, old)
    assert first["size"] > last["size"] - 10 > 200 and first["push_time"] > last["push_time"]
    assert "tags" not in rest("GET", below, query={"with_tag": "false"}).body[0]
    assert rest("GET", f"{below}/v1").body == rest("GET", f"{below}/{new}").body == first
    rest("POST", "/projects/shop/immutabletagrules", rule())
    tags = rest("GET", f"{below}/{new}/tags", query={"with_immutable_status": "true"}).body
    assert {tag["name"]: tag["immutable"] for tag in tags} == {"v1": True, "dev": False}
    assert not any(tag["immutable"] for tag in rest("GET", f"{below}/v1/tags").body)
    assert said(rest("GET", f"{below}/none"))[2] == "artifact shop/app:none not found"
    assert rest("GET", "/projects/shop/repositories/none/artifacts").status == 404
    store.image("shop/deep/er", "deep", "v1")
    assert rest("GET", "/projects/shop/repositories/deep%2Fer").body["name"] == "shop/deep/er"
    for path in ("/projects/shop/repositories", below):
        assert rest("GET", path, user="colleague").status == 403


def test_an_index_keeps_its_images_and_takes_them_along(rest, shop, store, shelf):
    inner = [store.image("shop/app", text) for text in ("arm", "intel")]
    tagged = store.image("shop/app", "also", "also")
    index = store.index("shop/app", [*inner, tagged], "multi")
    signature = store.image("shop/app", "signed", subject={"digest": index})
    below = "/projects/shop/repositories/app/artifacts"
    listed = {one["digest"]: one for one in rest("GET", below).body}
    assert set(listed) == {*shop, tagged, index}
    assert [one["child_digest"] for one in listed[index]["references"]] == [*inner, tagged]
    assert listed[index]["size"] > sum(len(text) for text in ("arm", "intel", "also"))
    assert said(rest("DELETE", f"{below}/{tagged}"))[:2] == (412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
    assert rest("DELETE", f"{below}/multi").status == 200
    left = shelf.revisions("harbor", "shop/app")
    assert set(left) == {*shop, tagged, signature}
    held = shelf.parts("harbor", "shop")
    assert store.blob(b"also")["digest"] in held and store.blob(b"arm")["digest"] not in held


def test_a_tag_goes_alone_an_artifact_with_all_its_tags(rest, shop, store, shelf):
    new, old = shop
    below = "/projects/shop/repositories/app/artifacts"
    assert rest("DELETE", f"{below}/{new}/tags/dev").status == 200
    assert set(shelf.tags("harbor", "shop/app")) == {"v1", "old"}
    assert rest("DELETE", f"{below}/{new}/tags/old").status == 404
    assert rest("DELETE", f"{below}/old/tags/old").status == 200
    assert rest("GET", f"{below}/{old}").body["tags"] is None
    assert rest("DELETE", f"{below}/v1").status == 200
    assert set(shelf.revisions("harbor", "shop/app")) == {old}
    again = store.image("shop/app", "more", "v2")
    assert rest("DELETE", "/projects/shop/repositories/app").status == 200
    assert not shelf.has_manifest("harbor", "shop/app", again)


def test_lists_are_told_page_by_page(rest):
    for number in range(12):
        assert rest("POST", "/projects", {"project_name": f"p{number:02}"}).status == 201
    first = rest("GET", "/projects", query={"name": "p"})
    assert (len(first.body), first.headers["X-Total-Count"]) == (10, "12")
    assert first.headers["Link"] == '</api/v2.0/projects?name=p&page=2&page_size=10>; rel="next"'
    link = first.headers["Link"].partition(">")[0][1:]
    query = {key: value for key, (value,) in parse_qs(urlsplit(link).query).items()}
    last = rest("GET", "/projects", query=query)
    assert [one["name"] for one in last.body] == ["p10", "p11"]
    assert last.headers["Link"] == '</api/v2.0/projects?name=p&page=1&page_size=10>; rel="prev"'
    middle = rest("GET", "/projects", query={"page": "2", "page_size": "5", "q": "name=~p"})
    assert middle.headers["Link"].count("rel=") == 2 and middle.body[0]["name"] == "p05"
    assert rest("GET", "/projects", query={"page": "9", "page_size": "5"}).body == []
    assert [one["name"] for one in rest("GET", "/projects", query={"q": "name=p03"}).body] == ["p03"]
    for query, status in (({"page_size": "101"}, 422), ({"page": "x"}, 400), ({"q": "name"}, 400), ({"q": "a=b"}, 400)):
        assert rest("GET", "/projects", query=query).status == status


def test_a_project_that_holds_something_stays(harbor, rest, shop):
    told = "precondition failed: the project contains repositories, can not be deleted"
    assert said(rest("DELETE", "/projects/shop")) == (412, "PRECONDITION", told)
    assert rest("POST", "/projects", {"project_name": "empty"}).status == 201
    assert rest("POST", "/robots", robot("empty")).status == 201
    assert rest("DELETE", "/projects/empty", user="colleague").status == 403
    assert rest("DELETE", "/projects/empty").status == 200
    assert "robot$empty+ci" not in harbor.robots
    assert rest("DELETE", "/projects/library", user="admin").status == 403


@pytest.mark.parametrize("name", [None, "", "Shop", "a/b", "-a", "a" * 256, 7, "../x"])
def test_a_project_has_a_name_that_can_be_one(rest, name):
    assert said(rest("POST", "/projects", {"project_name": name}))[:2] == (400, "BAD_REQUEST")


def test_nobody_makes_a_project(rest):
    reply = rest("POST", "/projects", {"project_name": "a"}, None)
    assert said(reply) == (401, "UNAUTHORIZED", "unauthorized: unauthorized")


def test_it_is_shown_once_it_is_used(harbor, rest):
    assert not harbor.in_use
    for path in ("/projects", "/robots", "/quotas"):
        rest("GET", path, user="admin")
    rest("POST", "/projects/library/members", {}, "admin")
    assert not harbor.in_use
    rest("POST", "/projects", {"project_name": "a"})
    assert harbor.in_use
