"""Harbor's API of projects: who may have one, and what is told of it (goharbor/harbor, src/server/v2.0/handler/project.go)."""

from typing import Any

from ..routes import Call, Reply, table
from .answers import FULL, MOST, UNAUTHORIZED, date, paged, refused, without, wrong
from .book import ADMIN, NAME, ROUTES, UNLIMITED, Book
from .roles import NAMES


class Projects(Book):
    @ROUTES.on("GET", "/ping")
    def ping(self, _: Call) -> Reply:
        return Reply(200, "Pong")

    @ROUTES.on("GET", "/systeminfo")
    def about(self, _: Call) -> Reply:
        said = {"auth_mode": "db_auth", "harbor_version": "v2 (a stand-in of the lab)", "self_registration": False}
        return Reply(200, said)

    @ROUTES.on("GET", "/users/current")
    def tell_user(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        if call.user in self.robots:
            told = "get current user not available for security context: robot"
            return refused(412, "PRECONDITION", told)
        said = {"user_id": self.users[call.user], "username": call.user, "sysadmin_flag": call.user == ADMIN}
        return Reply(200, said)

    @ROUTES.on("GET", "/users/search")
    def find_users(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        wanted = call.query.get("username", "")
        found = [{"user_id": number, "username": name} for name, number in self.users.items() if wanted in name]
        return paged(call, found)

    @ROUTES.on("GET", "/projects")
    def list_projects(self, call: Call) -> Reply:
        wanted = call.query.get("name", "")
        shown = [name for name in self.projects if wanted in name and self.can(call.user, name, "self:read")]
        return paged(call, [self._project(call, name) for name in shown])

    @ROUTES.on("HEAD", "/projects")
    def has_project(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        return Reply(200 if call.query.get("project_name", "") in self.projects else 404)

    @ROUTES.on("POST", "/projects")
    def make_project(self, call: Call) -> Reply:
        if call.user is None or call.user in self.robots:
            return without(call)
        body = table(call.body)
        if odd := _odd(body):
            return wrong(odd)
        name, limit = body["project_name"], body.get("storage_limit")
        if name in self.projects:
            return refused(409, "CONFLICT", f"The project named {name} already exists")
        if len(self.projects) >= MOST:
            return FULL
        made = {
            "id": self.number(),
            "owner": call.user,
            "public": body.get("public") is True or _is_public(body, False),
            "rules": [],
            "made": self.clock.date(),
            "members": {str(self.number()): {"user": call.user, "role": 1}},
            # Whoever is no administrator gets what the system gives to all, whatever was asked for.
            "limit": limit if limit and call.user == ADMIN else UNLIMITED,
        }
        self.kept.table("projects")[name] = made
        self.kept.save()
        return Reply(201, None, {"Location": f"/api/v2.0/projects/{made['id']}"})

    @ROUTES.on("GET", "/projects/{project}")
    def tell_project(self, call: Call) -> Reply:
        name, reply = self.found(call, "self:read")
        return reply or Reply(200, self._project(call, name))

    @ROUTES.on("PUT", "/projects/{project}")
    def change_project(self, call: Call) -> Reply:
        name, reply = self.found(call, "self:update")
        if reply:
            return reply
        self.own(name)["public"] = _is_public(table(call.body), self.projects[name]["public"])
        self.kept.save()
        return Reply(200)

    @ROUTES.on("DELETE", "/projects/{project}")
    def remove_project(self, call: Call) -> Reply:
        name, reply = self.found(call, "self:delete", lambda name: name == "library")
        if reply:
            return reply
        if self.repositories(call, name):
            told = "the project contains repositories, can not be deleted"
            return refused(412, "PRECONDITION", f"precondition failed: {told}")
        number = self.projects[name]["id"]
        del self.kept.table("projects")[name]
        for robot in [robot for robot, said in self.robots.items() if said["project"] == name]:
            del self.robots[robot]
        policies = self.kept.table("retentions")
        for policy in [key for key, said in policies.items() if said["project"] == number]:
            del policies[policy]
        self.kept.save()
        return Reply(200)

    @ROUTES.on("GET", "/projects/{project}/summary")
    def sum_up(self, call: Call) -> Reply:
        name, reply = self.found(call, "self:read")
        if reply:
            return reply
        project = self.projects[name]
        roles = [NAMES[held["role"]] for held in project["members"].values()]
        keys = {"projectAdmin": "project_admin", "limitedGuest": "limited_guest"}
        told = {f"{keys.get(role, role)}_count": roles.count(role) for role in NAMES.values()}
        quota = {"hard": {"storage": limit_of(project)}, "used": {"storage": self.used(call.shelf, name)}}
        return Reply(200, {"repo_count": len(self.repositories(call, name)), **told, "quota": quota})

    def used(self, shelf: Any, name: str) -> int:
        """Bytes that a project takes, each blob once."""
        return sum(map(shelf.size, shelf.parts(self.key, name)))

    def _project(self, call: Call, name: str) -> dict[str, Any]:
        said = self.projects[name]
        notes = {"public": str(said["public"]).lower()}
        policies = self.kept.said.get("retentions", {})
        if policy := next((key for key, one in policies.items() if one["project"] == said["id"]), ""):
            notes["retention_id"] = policy
        role = next((held["role"] for held in said["members"].values() if held["user"] == call.user), 0)
        return {
            "project_id": said["id"],
            "name": name,
            "owner_name": said["owner"],
            **({"creation_time": date(said["made"])} if "made" in said else {}),
            "current_user_role_id": role,
            "metadata": notes,
            "repo_count": len(self.repositories(call, name)),
        }


def _odd(body: dict[str, Any]) -> str:
    """What is wrong with a project that is asked for, "" for nothing."""
    name, limit = body.get("project_name"), body.get("storage_limit")
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > 255:
        return "project name is not in lower case or contains illegal characters"
    return f"invalid storage limit: {limit}" if limit is not None and not is_limit(limit) else ""


def is_limit(value: Any) -> bool:
    """Whether this can be a quota: bytes, or -1 for none."""
    return type(value) is int and (value == UNLIMITED or 0 < value <= 1024**5)


def limit_of(project: dict[str, Any]) -> int:
    return int(project.get("limit", UNLIMITED))


def _is_public(body: dict[str, Any], default: bool) -> bool:
    said = table(body.get("metadata")).get("public")
    return said in (True, "true") if said is not None else default
