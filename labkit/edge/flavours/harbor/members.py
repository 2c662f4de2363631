"""Harbor's API of a project's members (goharbor/harbor, src/server/v2.0/handler/member.go, src/controller/member)."""

from typing import Any

from ..routes import Call, Reply, table
from .answers import FULL, MOST, missing, paged, refused, wrong
from .book import ROUTES, Book
from .roles import NAMES

NO_ROLE = wrong("Failed to update project member, role is not in 1,2,3")


class Members(Book):
    @ROUTES.on("GET", "/projects/{project}/members")
    def list_members(self, call: Call) -> Reply:
        name, reply = self.found(call, "member:list")
        if reply:
            return reply
        wanted = call.query.get("entityname", "")
        found = [self._member(name, number) for number in self.projects[name]["members"]]
        return paged(call, [one for one in found if wanted in one["entity_name"]])

    @ROUTES.on("POST", "/projects/{project}/members")
    def add_member(self, call: Call) -> Reply:
        name, reply = self.found(call, "member:create")
        if reply:
            return reply
        body = table(call.body)
        user, asked = self._user(table(body.get("member_user")))
        if not user:
            return asked
        members = self.projects[name]["members"]
        if any(held["user"] == user for held in members.values()):
            return refused(409, "CONFLICT", "The project member specified already exist")
        if not _is_role(body.get("role_id")):
            return NO_ROLE
        if len(members) >= MOST:
            return FULL
        number = str(self.number())
        self.own(name)["members"][number] = {"user": user, "role": body["role_id"]}
        self.kept.save()
        return Reply(201, None, {"Location": f"/api/v2.0/projects/{call.parts['project']}/members/{number}"})

    @ROUTES.on("GET", "/projects/{project}/members/{member}")
    def tell_member(self, call: Call) -> Reply:
        name, reply = self._member_of(call, "member:read")
        return reply or Reply(200, self._member(name, call.parts["member"]))

    @ROUTES.on("PUT", "/projects/{project}/members/{member}")
    def change_member(self, call: Call) -> Reply:
        name, reply = self._member_of(call, "member:update")
        if reply:
            return reply
        role = table(call.body).get("role_id")
        if not _is_role(role):
            return NO_ROLE
        members = self.own(name)["members"]
        members[call.parts["member"]] = {**members[call.parts["member"]], "role": role}
        self.kept.save()
        return Reply(200)

    @ROUTES.on("DELETE", "/projects/{project}/members/{member}")
    def remove_member(self, call: Call) -> Reply:
        name, reply = self._member_of(call, "member:delete")
        if reply:
            return reply
        del self.own(name)["members"][call.parts["member"]]
        self.kept.save()
        return Reply(200)

    def _member_of(self, call: Call, right: str) -> tuple[str, Reply | None]:
        """The project of the member that the path names."""
        name, reply = self.found(call, right)
        if not reply and call.parts["member"] not in self.projects[name]["members"]:
            return name, missing(f"the project member {call.parts['member']} not found")
        return name, reply

    def _user(self, asked: dict[str, Any]) -> tuple[str, Reply]:
        """The user that is named, by a number or a name; "" and why there is none."""
        number, name = asked.get("user_id"), asked.get("username")
        if number:
            found = next((known for known, its in self.users.items() if its == number), "")
            return found, wrong(f"User {number} not found")
        if not name:
            return "", wrong("at least one of member_user or member_group must be provided")
        return (name if name in self.users else ""), missing(f"user {name} not found")

    def _member(self, name: str, number: str) -> dict[str, Any]:
        project = self.projects[name]
        held = project["members"][number]
        return {
            "id": int(number),
            "project_id": project["id"],
            "entity_name": held["user"],
            "entity_id": self.users.get(held["user"], 0),
            "entity_type": "u",
            "role_id": held["role"],
            "role_name": NAMES[held["role"]],
        }


def _is_role(value: Any) -> bool:
    return type(value) is int and value in NAMES
