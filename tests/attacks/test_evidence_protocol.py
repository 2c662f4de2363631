"""Evidence in the access log, crowded by whatever else can be asked: what earned points stays."""

import json

import pytest

from labkit.edge import log as access_log
from labkit.edge.log import AccessLog

ENGINE, SWARM = "docker/26.1 UpstreamClient(Docker-Client/26.1)", "docker/26.1"
MINE = {"registry": "hub", "client": "10.0.0.21", "agent": ENGINE, "user": "myusername", "status": 200}
PULL = [
    {"action": "head", "repository": "myusername/myapp", "reference": "v1.0.0", "digest": "sha256:m"},
    {"action": "pull", "repository": "myusername/myapp", "reference": "sha256:m", "digest": "sha256:m"},
    {"action": "blob", "repository": "myusername/myapp", "digest": "sha256:l"},
]
FLOODS = {
    "missing": lambda n: {"action": "head", "agent": SWARM, "client": f"10.0.0.{21 + n % 3}", "repository": "myusername/gone", "reference": "v1", "status": 404, "reason": "not-found"},
    "names": lambda n: {"action": "login", "user": "an unknown user", "agent": f"curl/{n}", "status": 401, "reason": "unknown-user"},
    "repositories": lambda n: {"action": "pull", "repository": f"myusername/{n}", "reference": f"v{n}", "status": 401, "reason": "no-such-repository"},
    "pulls": lambda n: {**PULL[n % 3], "agent": f"docker/{n // 3}", "digest": f"sha256:{n % 7}"},
    "sign-ins": lambda n: {"action": "login", "agent": f"docker/{n}", "user": "colleague"},
    "pushes": lambda n: {"action": "push", "repository": f"team/{n}", "registry": "private", "digest": f"sha256:{n}"},
}  # fmt: skip


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(flood, marks=pytest.mark.attack("evidence", f"5,000 {tried}, to push what earned points out of the log", "the evidence stays, and the log stays small"), id=flood)
        for flood, tried in [
            ("missing", "requests by a service that cannot find its image"),
            ("names", "sign-ins of unknown users"),
            ("repositories", "requests for repositories that do not exist"),
            ("pulls", "pulls of the same repository by other engines"),
            ("sign-ins", "sign-ins of somebody else"),
            ("pushes", "pushes to another registry"),
        ]
    ],
)  # fmt: skip
def test_what_earned_points_stays_in_the_log(tmp_path, monkeypatch, flood):
    monkeypatch.setattr("os.fsync", lambda _: None)  # a disk's patience is not what is tried
    file = tmp_path / "access.jsonl"
    log = AccessLog(file)
    earned = [log.add(**{**MINE, **event}) for event in ({"action": "login"}, *PULL)]
    for number in range(5000):
        log.add(**{**MINE, **FLOODS[flood](number)})
    log.close()
    again = AccessLog(file)
    again.close()
    assert all(event in again.events for event in earned)
    assert len(json.dumps(again.events)) < 300_000 and file.stat().st_size < 300_000
    assert len(again.events) <= 2 * access_log.ROOM
    assert again.events[-1]["seq"] == log.events[-1]["seq"]
