"""Harbor's API of tag retention: rules of what a project keeps, dry runs, and runs that delete the rest at once
(goharbor/harbor, src/server/v2.0/handler/retention.go; src/pkg/retention: rules in policy/rule, action, job.go)."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from ..routes import Call, Reply, table
from .answers import UNAUTHORIZED, date, missing, paged, refused, without, wrong
from .artifacts import Artifacts
from .book import ROUTES
from .holding import Artifact, Repository
from .patterns import is_about, parts, selects_any

DAY = 86400

RULES = 15
"""Rules of a policy."""

RUNS, ROWS = 30, 200
"""Runs of a policy that are remembered, and rows of a task's log."""

Keep = Callable[[list[Artifact], int, float], list[Artifact]]

TEMPLATES: dict[str, tuple[str, Keep]] = {
    "latestPushedK": ("the most recently pushed # artifacts", lambda found, most, _: found[:most]),
    "nDaysSinceLastPush": (
        "pushed within the last # days",
        lambda found, days, now: [one for one in found if one.pushed >= now - days * DAY],
    ),
    "always": ("always", lambda found, _, __: found),
}
"""What a rule says of artifacts, the newest first, and those of them that it keeps."""

PULLS = ("latestPulledN", "nDaysSinceLastPull", "latestActiveK")
"""Templates that ask when an image was pulled last, which this stand-in does not know."""


class Retention(Artifacts):
    @ROUTES.on("GET", "/retentions/metadatas")
    def tell_templates(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        units = {"latestPushedK": "COUNT", "nDaysSinceLastPush": "DAYS"}
        told = [
            {
                "action": "retain",
                "display_text": text,
                "rule_template": name,
                "params": [{"type": "int", "unit": units[name], "required": True}] if name in units else [],
            }
            for name, (text, _) in TEMPLATES.items()
        ]
        return Reply(200, {"templates": told})

    @ROUTES.on("POST", "/retentions")
    def make_policy(self, call: Call) -> Reply:
        if call.user is None:
            return UNAUTHORIZED
        body = table(call.body)
        scope = table(body.get("scope"))
        name = self.named(scope.get("ref"))
        if odd := _odd(body):
            return odd
        if not name:
            return wrong(f"invalid Project id {scope.get('ref')}")
        if not self.can(call.user, name, "tag-retention:create"):
            return without(call)
        project, policies = self.projects[name]["id"], self.kept.table("retentions")
        if old := next((key for key, said in policies.items() if said["project"] == project), ""):
            return wrong(f"project {project} already has retention policy {old}")
        number = self.number()
        policies[str(number)] = {"project": project, "policy": _policy(body, project), "runs": []}
        self.kept.save()
        return Reply(201, None, {"Location": f"/api/v2.0/retentions/{number}"})

    @ROUTES.on("GET", "/retentions/{id}")
    def tell_policy(self, call: Call) -> Reply:
        said, reply = self._policy_of(call, "read")
        return reply or Reply(200, {"id": int(call.parts["id"]), **said["policy"]})

    @ROUTES.on("PUT", "/retentions/{id}")
    def change_policy(self, call: Call) -> Reply:
        said, reply = self._policy_of(call, "update")
        if reply:
            return reply
        body = table(call.body)
        if odd := _odd(body):
            return odd
        if table(body.get("scope")).get("ref") != said["project"]:
            return missing(f"the retention policy id {call.parts['id']} does not match")
        said["policy"] = _policy(body, said["project"])
        self.kept.save()
        return Reply(200)

    @ROUTES.on("DELETE", "/retentions/{id}")
    def remove_policy(self, call: Call) -> Reply:
        _, reply = self._policy_of(call, "delete")
        if reply:
            return reply
        del self.kept.table("retentions")[call.parts["id"]]
        self.kept.save()
        return Reply(200)

    def _policy_of(self, call: Call, action: str) -> tuple[dict[str, Any], Reply | None]:
        """The policy that the path names, as it is kept."""
        if call.user is None:
            return {}, UNAUTHORIZED
        said = self.kept.said.get("retentions", {}).get(call.parts["id"])
        if said is None:
            return {}, missing(f"no such Retention policy with id {call.parts['id']}")
        name = self.named(said["project"])
        return said, None if self.can(call.user, name, f"tag-retention:{action}") else without(call)

    # ── runs ──

    @ROUTES.on("POST", "/retentions/{id}/executions")
    def run(self, call: Call) -> Reply:
        """A run is over when it is answered; Harbor's own goes on in the background."""
        said, reply = self._policy_of(call, "update")
        if reply:
            return reply
        number, dry, now = self.number(), table(call.body).get("dry_run") is True, self.clock.date()
        made = {
            "id": number,
            "policy_id": int(call.parts["id"]),
            "start_time": date(now),
            "end_time": date(now),
            "status": "Success",
            "trigger": "Manual",
            "dry_run": dry,
            "tasks": self._run(call, said, number, dry),
        }
        said["runs"] = [made, *said["runs"]][:RUNS]
        self.kept.save()
        return Reply(201, None, {"Location": f"/api/v2.0/retentions/{call.parts['id']}/executions/{number}"})

    def _run(self, call: Call, said: dict[str, Any], number: int, dry: bool) -> list[dict[str, Any]]:
        """A task for each repository that any rule is about."""
        project, now, tasks = self.named(said["project"]), self.clock.date(), []
        for name in self.repositories(call, project):
            short = name.partition("/")[2]
            rules = [rule for rule in said["policy"]["rules"] if is_about(rule, short)]
            if not rules:
                continue
            held = Repository(call.shelf, self.key, name)
            found = held.artifacts()
            marks = {
                one.digest: "RETAIN" if one in kept else "IMMUTABLE" if self.fixed(name, one.tags) else "DEL"
                for kept in [retained(rules, found, now)]
                for one in found
            }
            gone = [one for one in found if marks[one.digest] == "DEL"]
            if not dry:
                held.remove(gone)
            tasks.append(
                {
                    "id": self.number(),
                    "execution_id": number,
                    "repository": short,
                    "status": "Success",
                    "status_code": 3,
                    "start_time": date(now),
                    "end_time": date(now),
                    "total": len(found),
                    "retained": len(found) - len(gone),
                    "log": _log(name, found, marks, dry, now),
                }
            )
        return tasks

    @ROUTES.on("GET", "/retentions/{id}/executions")
    def list_runs(self, call: Call) -> Reply:
        said, reply = self._policy_of(call, "list")
        if reply:
            return reply
        return paged(call, [{key: value for key, value in one.items() if key != "tasks"} for one in said["runs"]])

    @ROUTES.on("PATCH", "/retentions/{id}/executions/{run}")
    def stop_run(self, call: Call) -> Reply:
        """There is nothing left to stop."""
        _, reply = self._run_of(call, "update")
        if not reply and table(call.body).get("action") != "stop":
            return wrong("bad request: action should be 'stop'")
        return reply or Reply(200)

    @ROUTES.on("GET", "/retentions/{id}/executions/{run}/tasks")
    def list_tasks(self, call: Call) -> Reply:
        found, reply = self._run_of(call, "list")
        if reply:
            return reply
        return paged(call, [{key: value for key, value in one.items() if key != "log"} for one in found])

    @ROUTES.on("GET", "/retentions/{id}/executions/{run}/tasks/{task}")
    def tell_log(self, call: Call) -> Reply:
        found, reply = self._run_of(call, "read")
        if reply:
            return reply
        log = next((one["log"] for one in found if str(one["id"]) == call.parts["task"]), None)
        if log is None:
            return missing(f"task {call.parts['task']} not found")
        return Reply(200, log.encode(), {"Content-Type": "text/plain"})

    def _run_of(self, call: Call, action: str) -> tuple[list[dict[str, Any]], Reply | None]:
        """The tasks of the run that the path names."""
        said, reply = self._policy_of(call, action)
        if reply:
            return [], reply
        tasks = next((one["tasks"] for one in said["runs"] if str(one["id"]) == call.parts["run"]), None)
        if tasks is None:
            return [], missing(f"project: {said['project']}, execution id {call.parts['run']} not found")
        return tasks, None


def retained(rules: list[dict[str, Any]], found: list[Artifact], now: float) -> list[Artifact]:
    """The artifacts of a repository that any of these rules keeps. `found` has the newest first."""
    kept: list[Artifact] = []
    for rule in rules:
        chosen = [one for one in found if all(selects_any(each, one.tags) for each in rule["tag_selectors"])]
        kept += TEMPLATES[rule["template"]][1](chosen, rule["params"].get(rule["template"], 0), now)
    return kept


def _odd(body: dict[str, Any]) -> Reply | None:
    """What is wrong with a policy that is asked for."""
    if odd := next(_wrongs(body), ""):
        return wrong(odd)
    made = [_rule(rule, 0) for rule in body["rules"]]
    for number, rule in enumerate(made):
        if rule in made[:number]:
            told = f"resource conflict: rule {number} is conflict with rule {made.index(rule)}"
            return refused(409, "CONFLICT", told)
    return None


def _wrongs(body: dict[str, Any]) -> Iterator[str]:
    rules, scope, trigger = body.get("rules"), table(body.get("scope")), table(body.get("trigger"))
    if not isinstance(rules, list):
        yield "bad request: a policy has rules"
        return
    if len(rules) > RULES:
        yield "bad request: only 15 rules are allowed at most"
    if scope.get("level") != "project":
        yield f"bad request: scope {scope.get('level')} is not support"
    if body.get("algorithm", "or") != "or":
        yield "bad request: the algorithm is or"
    if table(trigger.get("settings")).get("cron"):
        yield "this stand-in of the lab runs no schedule: leave cron empty, and run the policy yourself"
    yield from filter(None, (_odd_rule(table(rule)) for rule in rules))


def _odd_rule(rule: dict[str, Any]) -> str:
    name = rule.get("template")
    if name in PULLS:
        return f"this stand-in of the lab does not know when an image was pulled last: no {name}"
    if not isinstance(name, str) or name not in TEMPLATES:
        return f"bad request: rule evaluator {name} is not registered"
    if odd := "" if name == "always" else _odd_number(name, table(rule.get("params")).get(name)):
        return odd
    return "" if all(parts(rule)) else "bad request: a rule has tag_selectors and scope_selectors.repository"


def _odd_number(name: str, value: Any) -> str:
    if value is None:
        return f"bad request: missing required parameter {name} for rule {name}"
    if type(value) is not int:
        return f"bad request: {name} type error"
    odd = "less than zero" if value < 0 else "too large" if value >= 2**15 - 1 else ""
    return f"bad request: {name} is {odd}" if odd else ""


def _rule(rule: dict[str, Any], number: int) -> dict[str, Any]:
    tags, repositories = parts(rule)
    name = rule["template"]
    return {
        "id": number,
        "priority": 0,
        "disabled": rule.get("disabled") is True,
        "action": "retain",
        "template": name,
        "params": {} if name == "always" else {name: rule["params"][name]},
        "tag_selectors": tags,
        "scope_selectors": {"repository": repositories},
    }


def _policy(body: dict[str, Any], project: int) -> dict[str, Any]:
    return {
        "algorithm": "or",
        "rules": [_rule(rule, number) for number, rule in enumerate(body["rules"], 1)],
        "trigger": {"kind": "Schedule", "settings": {"cron": ""}},
        "scope": {"level": "project", "ref": project},
    }


def _log(name: str, found: list[Artifact], marks: dict[str, str], dry: bool, now: float) -> str:
    """A task's log, as Harbor writes it: what became of each artifact."""
    head = ("Digest", "Tag", "Kind", "PushedTime", "Retention")
    told = [(one.digest, ",".join(one.tags), "image", _moment(one.pushed), marks[one.digest]) for one in found[:ROWS]]
    widths = [max(map(len, column)) for column in zip(head, *told, strict=True)]
    rows = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in (head, *told)]
    rows.insert(1, ["-" * width for width in widths])
    said = [
        f"Run retention process.\n Repository: {name} \n Rule Algorithm: or \n Dry Run: {str(dry).lower()}",
        f"Load {len(found)} candidates from repository {name}",
        "\n" + "\n".join(f"| {' | '.join(row)} |" for row in rows),
    ]
    more = [f"this stand-in of the lab writes the first {ROWS} only"] if len(found) > ROWS else []
    return "".join(f"{_moment(now)} [INFO]: {line}\n" for line in said + more)


def _moment(seconds: float) -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(seconds))
