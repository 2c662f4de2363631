"""Harbor's API of robots: accounts for programs, with rights and an end of their own (goharbor/harbor,
src/server/v2.0/handler/robot.go)."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..base import marked
from ..routes import Call, Reply, table
from .answers import FORBIDDEN, FULL, MOST, UNAUTHORIZED, asked, date, missing, paged, refused, wrong
from .book import ADMIN, NAME, ROUTES, Book
from .roles import FOR_ROBOTS

DAY = 86400

LONGEST = 2**31 - 1
"""Days."""

SECRET = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9]).{8,128}")

WEAK = (
    "the secret must be 8-128, inclusively, characters long with at least 1 uppercase letter, 1 lowercase letter and 1 "
    "number"
)


class Robots(Book):
    @ROUTES.on("GET", "/robots")
    def list_robots(self, call: Call) -> Reply:
        """The system's, or those of the project that `q=Level=project,ProjectID=…` names."""
        if call.user is None:
            return UNAUTHORIZED
        try:
            wanted = asked(call)
        except ValueError as odd:
            return wrong(str(odd))
        level, project = wanted.pop("level", "system"), wanted.pop("projectid", "")
        if level not in ("system", "project"):
            return wrong("bad request error level input")
        if level == "project" and not project:
            return wrong("must with project ID when to query project robots")
        name = self.named(project) if level == "project" else ""
        if not (self.can(call.user, name, "robot:list") if name else call.user == ADMIN):
            return FORBIDDEN
        rest = ",".join("=".join(one) for one in wanted.items())
        found = [self._robot(known, said) for known, said in self.robots.items() if said["project"] == name]
        return paged(_asking(call, rest), found)

    @ROUTES.on("POST", "/robots")
    def make_robot(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        body = table(call.body)
        if odd := _odd(body) or _odd_name(body):
            return wrong(odd)
        access = dict(_permissions(body["permissions"]))
        project = self.named(next(iter(access))) if body["level"] == "project" else ""
        if reply := self._ungiven(call.user, project, access, body["level"]):
            return reply
        whole = f"robot${project}+{body['name']}" if project else f"robot${body['name']}"
        if whole in self.robots:
            number = self.projects[project]["id"] if project else 0
            return refused(409, "CONFLICT", f"robot account {number}:{whole.removeprefix('robot$')} already exists")
        return FULL if len(self.robots) >= MOST else self._new_robot(whole, project, access, body)

    def _ungiven(self, user: str, project: str, access: dict[str, Any], level: str) -> Reply | None:
        """Why somebody does not give these permissions."""
        if unknown := self._unknown(access, level):
            return missing(f"project {unknown} not found")
        if not (self.can(user, project, "robot:create") if project else user == ADMIN):
            return FORBIDDEN
        if user in self.robots and not self._covers(user, access):
            told = "permission scope is invalid. It must be equal to or more restrictive than the creator robot's permissions: "
            return refused(403, "DENIED", told + user)
        return None

    def _unknown(self, access: dict[str, Any], level: str) -> str:
        """The first of these projects that is none; `*` is all of them, for a robot of the system."""
        return next((name for name in access if not self.named(name) and (name != "*" or level == "project")), "")

    def _covers(self, robot: str, access: dict[str, list[list[str]]]) -> bool:
        """Whether a robot has itself all that it gives to another."""
        own = self.robots[robot]["access"]
        return all(
            one in own.get(name, own.get("*", [])) for name, permissions in access.items() for one in permissions
        )

    def _new_robot(self, whole: str, project: str, access: dict[str, Any], body: dict[str, Any]) -> Reply:
        secret, days, now = secrets.token_urlsafe(24), body.get("duration", -1), self.clock.date()
        said = {
            "id": self.number(),
            "project": project,
            "access": self._named(access),
            "mark": marked(secret),
            "days": days,
            "ends": None if days == -1 else now + days * DAY,
            "made": now,
            "disabled": body.get("disable") is True,
            "about": str(body.get("description", ""))[:200],
        }
        self.robots[whole] = said
        self.kept.save()
        told = {key: value for key, value in self._robot(whole, said).items() if key in ("id", "name", "expires_at")}
        told |= {"creation_time": date(now), "secret": secret}
        return Reply(201, told, {"Location": f"/api/v2.0/robots/{said['id']}"})

    def _named(self, access: dict[str, Any]) -> dict[str, Any]:
        """Permissions by the projects' names, where a number may have come."""
        return {self.named(name) or name: permissions for name, permissions in access.items()}

    @ROUTES.on("GET", "/robots/{robot}")
    def tell_robot(self, call: Call) -> Reply:
        name, reply = self._robot_of(call, "robot:read")
        return reply or Reply(200, self._robot(name, self.robots[name]))

    @ROUTES.on("PUT", "/robots/{robot}")
    def change_robot(self, call: Call) -> Reply:
        name, reply = self._robot_of(call, "robot:update")
        if reply:
            return reply
        said, body = self.robots[name], table(call.body)
        days = body.get("duration", said["days"])
        if odd := _odd({**body, "duration": days}):
            return wrong(odd)
        access = self._named(dict(_permissions(body["permissions"])))
        if said["project"] and list(access) != [said["project"]]:
            return wrong("cannot update the project id of robot")
        if (body["level"], body.get("name")) != (_level(said), name):
            return wrong("cannot update the level or name of robot")
        if reply := self._ungiven(str(call.user), said["project"], access, body["level"]):
            return reply
        said |= {
            "access": access,
            "days": days,
            "ends": None if days == -1 else said["made"] + days * DAY,
            "disabled": body.get("disable") is True,
            "about": str(body.get("description", ""))[:200],
        }
        self.kept.save()
        return Reply(200)

    @ROUTES.on("PATCH", "/robots/{robot}")
    def renew_robot(self, call: Call) -> Reply:
        """Another secret: the one that comes, or a new one, which is told."""
        name, reply = self._robot_of(call, "robot:update")
        if reply:
            return reply
        given = table(call.body).get("secret") or ""
        if given and not (isinstance(given, str) and SECRET.fullmatch(given)):
            return wrong(WEAK)
        secret = given or secrets.token_urlsafe(24)
        self.robots[name]["mark"] = marked(secret)
        self.kept.save()
        return Reply(200, {"secret": "" if given else secret})

    @ROUTES.on("DELETE", "/robots/{robot}")
    def remove_robot(self, call: Call) -> Reply:
        name, reply = self._robot_of(call, "robot:delete")
        if reply:
            return reply
        del self.robots[name]
        self.kept.save()
        return Reply(200)

    def _robot_of(self, call: Call, right: str) -> tuple[str, Reply | None]:
        """The robot that the path names, or why who asks gets nothing of it."""
        if call.user is None:
            return "", UNAUTHORIZED
        number = call.parts["robot"]
        name = next((name for name, said in self.robots.items() if str(said["id"]) == number), "")
        if not name:
            return "", missing(f"robot {number} not found")
        project = self.robots[name]["project"]
        may = self.can(call.user, project, right) if project else call.user == ADMIN
        return name, None if may else FORBIDDEN

    def _robot(self, name: str, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": said["id"],
            "name": name,
            "description": said["about"],
            "level": _level(said),
            "duration": said["days"],
            "disable": said["disabled"],
            "editable": True,
            "expires_at": -1 if said["ends"] is None else int(said["ends"]),
            "creation_time": date(said["made"]),
            "permissions": [
                {
                    "kind": "project",
                    "namespace": namespace,
                    "access": [{"resource": resource, "action": action} for resource, action in access],
                }
                for namespace, access in said["access"].items()
            ],
        }


def _level(said: dict[str, Any]) -> str:
    return "project" if said["project"] else "system"


def _asking(call: Call, query: str) -> Call:
    """The call with another `q`, for what the rest of it asks."""
    return replace(call, query={**call.query, "q": query})


def _odd_name(body: dict[str, Any]) -> str:
    name = body.get("name")
    sound = isinstance(name, str) and NAME.fullmatch(name) and len(name) <= 255
    return "" if sound else "robot name is not in lower case or contains illegal characters"


def _odd(body: dict[str, Any]) -> str:
    """What is wrong with a robot that is asked for, "" for nothing."""
    return next(_wrongs(body), "")


def _wrongs(body: dict[str, Any]) -> Iterator[str]:
    level, days, permissions = body.get("level"), body.get("duration", -1), body.get("permissions")
    if type(days) is not int or not (days == -1 or 0 < days < LONGEST):
        yield f"bad request error duration input: {days}, duration must be either -1(Never) or a positive integer"
    if level not in ("project", "system"):
        yield f"bad request error level input: {level}"
    if not isinstance(permissions, list) or not permissions:
        yield "bad request empty permission"
        return
    if level == "project" and len(permissions) > 1:
        yield "bad request permission"
    for one in map(table, permissions):
        if one.get("kind") != "project":
            yield f"bad request permission level: {one.get('kind')} (this stand-in knows the kind project only)"
        access = one.get("access")
        if not isinstance(access, list) or not access or not isinstance(one.get("namespace"), str):
            yield "bad request empty access"
            return
        for part in map(table, access):
            if f"{part.get('resource')}:{part.get('action')}" not in FOR_ROBOTS:
                yield f"bad request permission: {part.get('resource')}:{part.get('action')}"


def _permissions(value: list[dict[str, Any]]) -> Iterator[tuple[str, list[list[str]]]]:
    """(project, [[resource, action], …]) of a robot's permissions, which are sound."""
    for each in value[:MOST]:
        yield each["namespace"], [[one["resource"], one["action"]] for one in each["access"][:MOST]]
