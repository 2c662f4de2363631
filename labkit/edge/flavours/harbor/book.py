"""What Harbor keeps, and who may do what with it: projects with their members, robots."""

import re
from collections.abc import Callable, Set
from typing import Any, ClassVar

from ..base import Flavour, View
from ..routes import Call, Reply, Routes
from .answers import FORBIDDEN, UNAUTHORIZED, missing, without
from .roles import NAMES, PUBLIC, RIGHTS

ROUTES = Routes("/api/v2.0")
"""Harbor's API: each module of it adds its own."""

ADMIN = "admin"

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""A project's name, or a robot's."""

LIBRARY = {"id": 1, "owner": ADMIN, "public": True, "rules": [], "members": {"1": {"user": ADMIN, "role": 1}}}
"""The project that every Harbor has from the beginning."""

UNLIMITED = -1
"""A quota that is none."""

ACTIONS = ("pull", "push", "delete")


class Book(Flavour):
    routes: ClassVar[Routes] = ROUTES

    # ── what is kept ──

    @property
    def projects(self) -> dict[str, Any]:
        return {"library": LIBRARY, **self.kept.table("projects")}

    @property
    def robots(self) -> dict[str, Any]:
        """By their whole name: robot$PROJECT+NAME, robot$NAME."""
        return self.kept.table("robots")

    def own(self, name: str) -> dict[str, Any]:
        """The project as it is kept, to be changed; the one that every Harbor has is kept from its first change on."""
        held = self.projects[name]
        fresh = {**held, "rules": [*held["rules"]], "members": {**held["members"]}}
        project: dict[str, Any] = self.kept.table("projects").setdefault(name, fresh)
        return project

    def number(self) -> int:
        """A number that nothing has had."""
        self.kept.said["number"] = number = int(self.kept.said.get("number", 1)) + 1
        return number

    @property
    def users(self) -> dict[str, int]:
        """The people who can sign in, each with a number."""
        names = [ADMIN, *(account.name for account in self._people if account.name != ADMIN)]
        return {name: number for number, name in enumerate(names, 1)}

    # ── rights ──

    def can(self, user: str | None, name: str, right: str) -> bool:
        """Whether somebody has a right ("resource:action") in the project of this name."""
        project = self.projects.get(name)
        if project is None:
            return False
        if user == ADMIN:
            return True
        return right in (PUBLIC if project["public"] else ()) or (
            user is not None and right in self._rights(user, name, project)
        )

    def _rights(self, user: str, name: str, project: dict[str, Any]) -> Set[str]:
        if user in self.robots:
            return _robots_rights(self.robots[user], name)
        role = next((held["role"] for held in project["members"].values() if held["user"] == user), 0)
        return RIGHTS.get(NAMES.get(role, ""), frozenset())

    def allowed(self, user: str | None, view: View) -> set[str]:
        project, slash, _ = view.name.partition("/")
        return {action for action in ACTIONS if slash and self.can(user, project, f"repository:{action}")}

    # ── what a path names ──

    def found(self, call: Call, right: str, but: Callable[[str], bool] | None = None) -> tuple[str, Reply | None]:
        """The project that the path names, by its name or its number, or why who asks gets nothing of it: the right to it is
        missing, or it is one that `but` says no to."""
        wanted = call.parts["project"]
        name = self.named(wanted)
        if not name:
            return "", UNAUTHORIZED if call.user is None else missing(f"project {wanted} not found")
        may = self.can(call.user, name, right) and not (but and but(name))
        return name, None if may else without(call)

    def named(self, wanted: Any) -> str:
        """The project of this name or number, "" for none."""
        return next((name for name, said in self.projects.items() if str(wanted) in (name, str(said["id"]))), "")

    def only_admin(self, call: Call) -> Reply | None:
        if call.user == ADMIN:
            return None
        return UNAUTHORIZED if call.user is None else FORBIDDEN

    # ── what the store holds ──

    def repositories(self, call: Call, project: str) -> dict[str, dict[str, str]]:
        """{repository: {tag: digest}} of a project."""
        held = call.shelf.repositories(self.key)
        return {name: tags for name, tags in held.items() if name.startswith(f"{project}/")}


def _robots_rights(robot: dict[str, Any], name: str) -> set[str]:
    given = robot["access"].get(name, []) + robot["access"].get("*", [])
    found = {f"{'self' if resource == 'project' else resource}:{action}" for resource, action in given}
    # A robot of a project that pushes may pull too (src/common/security/robot/context.go).
    return found | ({"repository:pull"} if robot["project"] and "repository:push" in found else set())
