"""Makes observations by hand: a lab as a value, changed by what a learner would do. No Docker."""

import copy
import hashlib

from labkit.seen.observation import Observation

MACHINES = {"10.203.0.21": "workstation", "10.203.0.22": "worker1", "10.203.0.23": "worker2"}
CLI = "docker/26.1.5 UpstreamClient(Docker-Client/28.2.2)"
SWARM = "docker/26.1.5 go/1.24"


def sha(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class World:
    """A lab that has just started; each method is something that happens to it."""

    def __init__(self):
        self.data = {
            "schema": 1,
            "labkit": "0.1.0",
            "content": "test",
            "lab": {"name": "test", "engine": "own"},
            "taken": "2026-01-01T00:00:00.000+00:00",
            "machines": dict(MACHINES),
            "sign_ins": {"here": []},
            "nodes": {name: {"images": [], "containers": []} for name in MACHINES.values()},
            "swarm": {
                "active": True,
                "nodes": {
                    name: {"id": name, "role": "worker", "availability": "active", "state": "ready"}
                    for name in MACHINES.values()
                },
                "services": {},
                "tasks": [],
            },
            "edge": {},
            "registries": {key: {"title": key, "repositories": {}} for key in ("hub", "private")},
            "manifests": {},
            "log": [],
            "sample": sha("content of app"),
            "answers": {},
        }
        self.image("workstation", "app", ["myapp:latest"], {"org.opencontainers.image.title": "myapp"})

    @property
    def observation(self):
        return Observation(copy.deepcopy(self.data))

    def image(self, machine, name, tags, labels=None, digests=(), size=100):
        held = self.data["nodes"][machine]["images"]
        same = [one for one in held if one["id"] == sha(name)]
        if same:
            same[0]["tags"] += tags
            same[0]["digests"] += list(digests)
        else:
            image = {
                "id": sha(name),
                "tags": list(tags),
                "digests": list(digests),
                "labels": labels or {},
                "size": size,
            }
            held.append({**image, "created": 0, "content": sha(f"content of {name}")})
        return self

    def log(self, action, machine="workstation", agent=CLI, registry="hub", status=200, user="myusername", **entry):
        address = next(key for key, value in MACHINES.items() if value == machine)
        line = {
            "seq": len(self.data["log"]) + 1,
            "time": 1.0,
            "action": action,
            "registry": registry,
            "client": address,
        }
        self.data["log"].append({**line, "agent": agent, "status": status, "user": user, "reason": "", **entry})
        return self

    def mark(self, *slugs):
        self.data["log"].append(
            {"seq": len(self.data["log"]) + 1, "time": 1.0, "action": "mark", "exercises": list(slugs)}
        )
        return self

    def sign_in(self, registry="hub", keep=True):
        if keep:
            self.data["sign_ins"]["here"].append(
                "https://index.docker.io/v1/" if registry == "hub" else "registry.lab:5000"
            )
        return self.log("login", registry=registry)

    def hold(self, repository, tag, name="app", registry="hub", kind="image", labels=None):
        """The registry holds the image of that name under the tag. Returns the digest."""
        digest = sha(f"manifest of {name}")
        self.data["registries"][registry]["repositories"].setdefault(repository, {})[tag] = digest
        self.data["manifests"][digest] = {
            "kind": kind,
            "config": sha(name) if kind == "image" else None,
            "layers": [sha(f"layer of {name}")],
            "content": sha(f"content of {name}") if kind == "image" else "",
            "labels": labels if labels is not None else {"org.opencontainers.image.title": "myapp"},
        }
        return digest

    def push(self, reference="myusername/myapp:v1.0.0", name="app", registry="hub"):
        repository, tag = reference.rsplit(":", 1)
        digest = self.hold(repository, tag, name, registry)
        self.image("workstation", name, [reference], digests=[f"{repository}@{digest}"])
        return self.log("push", registry=registry, repository=repository, reference=tag, digest=digest)

    def pull(
        self, reference="myusername/myapp:v1.0.0", machine="workstation", agent=CLI, user="myusername", name="app"
    ):
        repository, tag = reference.rsplit(":", 1)
        digest = self.data["registries"]["hub"]["repositories"][repository][tag]
        common = {"machine": machine, "agent": agent, "user": user, "repository": repository}
        self.log("head", reference=tag, digest=digest, **common)
        self.log("pull", reference=digest, digest=digest, **common)
        if machine != "workstation":
            self.image(machine, name, [reference], digests=[f"{repository}@{digest}"])
        return self

    def service(self, name="myapp", image="myusername/myapp:v1.0.0", replicas=3, pin=True, **changes):
        digest = ""
        repository, _, tag = image.partition(":")
        known = self.data["registries"]["hub"]["repositories"].get(repository, {}).get(tag)
        digest = f"@{known}" if pin and known else ""
        self.data["swarm"]["services"][name] = {
            "id": f"id-{name}",
            "name": name,
            "image": image + digest,
            "stack": "",
            "mode": "Replicated",
            "replicas": replicas,
            "constraints": [],
            "update_state": "",
            "update_message": "",
            **changes,
        }
        return self

    def task(self, slot, state="running", node="worker1", name="myapp", error="", exit_code=None, lived=60, **changes):
        minute = len(self.data["swarm"]["tasks"])
        self.data["swarm"]["tasks"].append(
            {
                "id": f"task-{minute}",
                "service": f"id-{name}",
                "slot": slot,
                "node": node,
                "image": self.data["swarm"]["services"][name]["image"],
                "desired": "running",
                "state": state,
                "error": error,
                "message": "",
                "exit_code": exit_code,
                "created": f"2026-01-01T00:{minute:02}:00.123456789Z",
                "since": f"2026-01-01T00:{minute + lived // 60:02}:{lived % 60:02}.123456789Z",
                **changes,
            }
        )
        return self

    def deployed(self):
        self.service()
        for slot, node in enumerate(MACHINES.values(), 1):
            self.task(slot, node=node)
        return self


def solved():
    """The five guided exercises, done as printed."""
    world = World().sign_in()
    world.image("workstation", "app", ["myusername/myapp:v1.0.0"])
    return world.push().pull().deployed()
