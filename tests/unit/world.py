"""Makes observations by hand: a lab as a value, changed by what a learner would do. No Docker.

What is made here is decoded by the schema (labkit/seen): a field that is missing, or one too many, fails at once.
"""

import copy
import hashlib

from labkit.edge.facts import registries
from labkit.seen.lab import SeenLab
from labkit.seen.observation import Observation

MACHINES = ("workstation", "worker1", "worker2")
CLI = "docker/26.1.5 UpstreamClient(Docker-Client/28.2.2)"
SWARM = "docker/26.1.5 go/1.24"
HUB, PRIVATE = "hub", "private"
HOSTS = {HUB: "docker.io", PRIVATE: "registry.lab:5000"}
SIGN_IN = {HUB: "https://index.docker.io/v1/", PRIVATE: "registry.lab:5000"}
KNOWN = {
    HUB: {
        "title": "Docker Hub",
        "host": "docker.io",
        "hosts": ["registry-1.docker.io", "index.docker.io", "docker.io", "auth.docker.io"],
        "seeded": ["library/busybox"],
        "repositories": {},
    },
    PRIVATE: {
        "title": "registry.lab:5000",
        "host": "registry.lab:5000",
        "hosts": ["registry.lab"],
        "seeded": [],
        "repositories": {},
    },
}


def sha(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def at(second):
    """A moment: so many seconds after the world began."""
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.123456789Z"


class World:
    """A lab that has just started; each method is something that happens to it."""

    def __init__(self):
        self.data = {
            "schema": 2,
            "labkit": "0.1.0",
            "content": "test",
            "lab": {"name": "test", "person": {}},
            "taken": at(3600),
            "unobserved": {},
            "registries": {"known": copy.deepcopy(KNOWN), "manifests": {}, "sample": sha("content of app")},
            "store": None,
            "mirror": {},
            "kubernetes": {},
            "engines": {name: {"images": [], "containers": []} for name in MACHINES},
            "sign_ins": {"here": {}},
            "swarm": {"active": True, "members": {name: self._member(name) for name in MACHINES}, "services": {}},
            "log": {"events": [], "resets": []},
            "answers": {},
            "pages": {},
            "runs": {},
            "depot": {},
            "secured": {},
        }
        self.image("workstation", "app", ["myapp:latest"], {"org.opencontainers.image.title": "myapp"})

    @staticmethod
    def _member(name):
        role = "manager" if name == "workstation" else "worker"
        return {"role": role, "availability": "active", "state": "ready"}

    @property
    def observation(self):
        return Observation.read(copy.deepcopy(self.data))

    @property
    def lab(self):
        return SeenLab(self.observation)

    def repositories(self, registry=HUB):
        return self.data["registries"]["known"][registry]["repositories"]

    @property
    def manifests(self):
        return self.data["registries"]["manifests"]

    @property
    def services(self):
        return self.data["swarm"]["services"]

    def gap(self, section, why="it is exited."):
        """This section, or section/machine, was not to be seen."""
        name, _, machine = section.partition("/")
        if machine:
            del self.data[name][machine]
        else:
            self.data[name] = None
        self.data["unobserved"][section] = why
        return self

    def image(self, machine, name, tags, labels=None, digests=()):
        held = self.data["engines"][machine]["images"]
        same = [image for image in held if image["id"] == sha(name)]
        if same:
            same[0]["tags"] += tags
            same[0]["digests"] += list(digests)
        else:
            image = {"id": sha(name), "tags": list(tags), "digests": list(digests), "labels": labels or {}}
            held.append({**image, "fingerprint": sha(f"content of {name}")})
        return self

    def _seq(self):
        log = self.data["log"]
        return max([line["seq"] for line in (*log["events"], *log["resets"])], default=0) + 1

    def log(self, action, machine="workstation", agent=CLI, registry=HUB, status=200, user="myusername", **entry):
        line = {"seq": self._seq(), "time": 1.0, "action": action, "registry": registry, "machine": machine}
        whole = {**line, "agent": agent, "status": status, "user": user, "reason": "", **entry}
        self.data["log"]["events"].append(whole)
        return self

    def mark(self, *slugs):
        self.data["log"]["resets"].append({"seq": self._seq(), "time": 1.0, "exercises": list(slugs)})
        return self

    def sign_in(self, registry=HUB, keep=True, user="myusername"):
        if keep:
            self.data["sign_ins"]["here"][SIGN_IN[registry]] = user
        return self.log("login", registry=registry, user=user)

    def vendor(self, key):
        """Somebody has used this registry, which no lab shows from the beginning."""
        facts = registries()[key]
        shown = {"title": facts.title, "host": facts.host, "hosts": list(facts.hosts), "seeded": [], "repositories": {}}
        self.data["registries"]["known"].setdefault(key, shown)
        return self

    def hold(self, repository, tag, name="app", registry=HUB, **what):
        """Somebody pushed the image of that name under the tag, with a tool and from another place. Returns the digest."""
        digest = self.put(repository, tag, name, registry, **what)
        pushed = {"registry": registry, "repository": repository, "reference": tag, "digest": digest}
        self.log("push", machine="", agent="skopeo/1.18.0", **pushed)
        return digest

    def put(self, repository, tag, name="app", registry=HUB, kind="image", labels=None):
        """The registry holds the image of that name under the tag; its log knows nothing of it. Returns the digest."""
        digest = sha(f"manifest of {name}")
        self.repositories(registry).setdefault(repository, {})[tag] = digest
        self.manifests[digest] = {
            "kind": kind,
            "config": sha(name) if kind == "image" else None,
            "layers": [sha(f"layer of {name}")],
            "fingerprint": sha(f"content of {name}") if kind == "image" else "",
            "labels": labels if labels is not None else {"org.opencontainers.image.title": "myapp"},
        }
        return digest

    def digest(self, repository="myusername/myapp", tag="v1.0.0"):
        return self.repositories()[repository][tag]

    def push(self, reference="myusername/myapp:v1.0.0", name="app", registry=HUB):
        repository, tag = reference.rsplit(":", 1)
        digest = self.put(repository, tag, name, registry)
        prefix = "" if registry == HUB else f"{HOSTS[registry]}/"
        self.image("workstation", name, [prefix + reference], digests=[f"{prefix}{repository}@{digest}"])
        return self.log("push", registry=registry, repository=repository, reference=tag, digest=digest)

    def pull(
        self, reference="myusername/myapp:v1.0.0", machine="workstation", agent=CLI, user="myusername", name="app"
    ):
        repository, tag = reference.rsplit(":", 1)
        digest = self.digest(repository, tag)
        common = {"machine": machine, "agent": agent, "user": user, "repository": repository}
        self.log("head", reference=tag, digest=digest, **common)
        self.log("pull", reference=digest, digest=digest, **common)
        if machine != "workstation":  # which has them since it pushed
            for blob in (sha(name), sha(f"layer of {name}")):
                self.log("blob", digest=blob, **common)
        if machine not in ("", "workstation"):
            self.image(machine, name, [reference], digests=[f"{repository}@{digest}"])
        return self

    def service(self, name="myapp", image="myusername/myapp:v1.0.0", replicas=3, pin=True, **changes):
        repository, _, tag = image.partition(":")
        known = self.repositories().get(repository, {}).get(tag)
        digest = f"@{known}" if pin and known else ""
        self.services[name] = {
            "name": name,
            "image": image + digest,
            "spec": "spec",
            "stack": "",
            "mode": "Replicated",
            "replicas": replicas,
            "constraints": [],
            "update_state": "",
            "update_message": "",
            "tasks": [],
            **changes,
        }
        return self

    def task(self, slot, state="running", node="worker1", name="myapp", error="", exit_code=None, lived=60, **changes):
        """A task of a service, begun a minute after the one before it, whose state last changed `lived` seconds later."""
        tasks = self.services[name]["tasks"]
        born = 60 * sum(len(service["tasks"]) for service in self.services.values())
        tasks.append(
            {
                "id": f"task-{name}-{len(tasks)}",
                "slot": slot,
                "node": node,
                "image": self.services[name]["image"],
                "spec": self.services[name]["spec"],
                "desired": "running",
                "state": state,
                "error": error,
                "message": "",
                "exit_code": exit_code,
                "created": at(born),
                "since": at(born + lived),
                **changes,
            }
        )
        return self

    def pages(self, name="webapp", **changes):
        """Each task of a service that runs answers with the page of its image, or otherwise as `changes` say."""
        for task in self.services[name]["tasks"]:
            if task["state"] == "running":
                self.page(task, name, **changes)
        return self

    def page(self, task, name="webapp", text="<h1>Hello from my own app</h1>", **changes):
        told = {
            "task": task["id"],
            "service": name,
            "port": 8080,
            "status": 200,
            "size": len(text),
            "digest": sha(text),
            "text": text,
        }
        here = self.data["pages"].setdefault(task["node"], [])
        here[:] = [page for page in here if page["task"] != task["id"]]
        here.append({**told, "file": "/www/index.html", "sample": False, **changes})
        return self

    def deployed(self):
        self.service()
        for slot, node in enumerate(MACHINES, 1):
            self.task(slot, node=node)
        return self


def solved():
    """The five guided exercises, done as printed."""
    world = World().sign_in()
    world.image("workstation", "app", ["myusername/myapp:v1.0.0"])
    return world.push().pull().deployed()


def updating(*old, state="updating"):
    """myapp's update from v1.0.0 to v1.1.0, with the old tasks of these slots still running."""
    world = solved().push("myusername/myapp:v1.1.0", "new")
    tasks = world.services["myapp"]["tasks"]
    world.services["myapp"] |= {"image": f"myusername/myapp:v1.1.0@{world.digest(tag='v1.1.0')}", "update_state": state}
    for task in [task for task in tasks if task["slot"] not in old]:
        task |= {"state": "shutdown", "desired": "shutdown"}
        world.task(task["slot"], node=task["node"])
    return world


def personal(world, whose):
    """The same lab, as that learner's own."""
    world.data["lab"]["person"] = {name: getattr(whose, name) for name in ("learner", "username", "version", "secret")}
    return world.observation


def solved_by(whose):
    """The five guided exercises, done with that person's names."""
    reference = f"{whose.username}/myapp:{whose.version}"
    world = World().sign_in(user=whose.username)
    world.image("workstation", "app", [reference])
    world.push(reference).pull(reference).service(image=reference)
    for slot, node in enumerate(("workstation", "worker1", "worker2"), 1):
        world.task(slot, node=node)
    return personal(world, whose)


def practiced():
    """The practice, done as the lesson asks but for the questions."""
    world = World().sign_in()
    world.image("workstation", "web", ["myusername/webapp:v1.0.0"])
    world.push("myusername/webapp:v1.0.0", name="web")
    world.pull("myusername/webapp:v1.0.0", machine="worker1", name="web")
    world.service("webapp", "myusername/webapp:v1.0.0")
    for slot, node in enumerate(MACHINES, 1):
        world.task(slot, node=node, name="webapp")
    return world.pages()
