"""Harbor's API of immutable tags: rules of a project, by patterns (goharbor/harbor, src/server/v2.0/handler/immutable.go)."""

from ..routes import Call, Reply, table
from .answers import FULL, MOST, missing, paged, refused, wrong
from .book import ROUTES, Book
from .patterns import parts


class Immutable(Book):
    @ROUTES.on("GET", "/projects/{project}/immutabletagrules")
    def list_rules(self, call: Call) -> Reply:
        name, reply = self.found(call, "immutable-tag:list")
        return reply or paged(call, self.projects[name]["rules"])

    @ROUTES.on("POST", "/projects/{project}/immutabletagrules")
    def make_rule(self, call: Call) -> Reply:
        name, reply = self.found(call, "immutable-tag:create")
        if reply:
            return reply
        return self._keep_rule(call, name, 0)

    @ROUTES.on("PUT", "/projects/{project}/immutabletagrules/{rule}")
    def change_rule(self, call: Call) -> Reply:
        """Also how a rule is switched off: `disabled`."""
        name, reply = self._rule_of(call, "immutable-tag:update")
        return reply or self._keep_rule(call, name, int(call.parts["rule"]))

    def _keep_rule(self, call: Call, name: str, number: int) -> Reply:
        """Keeps a rule, in place of the one with this number, or as a new one for 0."""
        body = table(call.body)
        tags, repositories = parts(body)
        if not tags or not repositories:
            return wrong("bad request: a rule has tag_selectors and scope_selectors.repository")
        others = [rule for rule in self.projects[name]["rules"] if rule["id"] != number]
        if len(others) >= MOST:
            return FULL
        rule = {
            "id": number,
            "disabled": body.get("disabled") is True,
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": tags,
            "scope_selectors": {"repository": repositories},
        }
        if any({**known, "id": number} == rule for known in others):
            return refused(409, "CONFLICT", "immutable rule already exists")
        rule["id"], project = number or self.number(), self.own(name)
        project["rules"] = [*others, rule]
        self.kept.save()
        if number:
            return Reply(200)
        return Reply(201, None, {"Location": f"/api/v2.0/projects/{project['id']}/immutabletagrules/{rule['id']}"})

    @ROUTES.on("DELETE", "/projects/{project}/immutabletagrules/{rule}")
    def remove_rule(self, call: Call) -> Reply:
        name, reply = self._rule_of(call, "immutable-tag:delete")
        if reply:
            return reply
        project = self.own(name)
        project["rules"] = [rule for rule in project["rules"] if str(rule["id"]) != call.parts["rule"]]
        self.kept.save()
        return Reply(200)

    def _rule_of(self, call: Call, right: str) -> tuple[str, Reply | None]:
        """The project of the rule that the path names."""
        name, reply = self.found(call, right)
        if not reply and all(str(rule["id"]) != call.parts["rule"] for rule in self.projects[name]["rules"]):
            return name, missing(f"immutable tag rule {call.parts['rule']} not found")
        return name, reply
