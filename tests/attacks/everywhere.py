"""Each registry of the lab, signed in to as its vendor's commands do it, with a repository in which the attacker may write."""

import json

from amazon import Ecr
from speaker import Registry, secure

from labkit.edge.facts import registries

FACTS = registries()

PORTS = {"private": 5000, "nexus-hosted": 8082, "nexus-group": 8083, "nexus": 8081}

SPACES = {
    "hub": ("myusername", ("myusername", "mypassword")),
    "private": ("team", ("myusername", "mypassword")),
    "harbor": ("library", ("admin", "Harbor12345")),
    "nexus-hosted": ("team", ("myusername", "mypassword")),
    "nexus-group": ("team", ("myusername", "mypassword")),
}
"""Where somebody may write, and who: of the registries that take a password."""

AZ = "az acr login -n myregistry --expose-token --output tsv --query accessToken"
GCLOUD = "gcloud auth print-access-token"
MAKE = "gcloud artifacts repositories create attacked --repository-format=docker --location=europe-west1 --quiet"

COMMANDS = {
    "acr": ("team", "00000000-0000-0000-0000-000000000000", AZ),
    "artifact": ("my-project/attacked", "oauth2accesstoken", f"{MAKE} >&2; {GCLOUD}"),
    "gcr": ("my-project", "oauth2accesstoken", GCLOUD),
}
"""The same of those whose commands make the password: they are typed on the workstation."""

WRITABLE = [*(key for key in SPACES if key != "nexus-group"), "ecr", *COMMANDS]
ALL = [*WRITABLE, "nexus-group"]


def host_of(key):
    """The host that its images are asked of, with the port where Docker names it."""
    facts = FACTS[key]
    return facts.hosts[0] if key == "hub" else facts.host


def port_of(key):
    return PORTS.get(key, 443)


class Everywhere:
    """The registries by key, each signed in to once, as it is first asked for."""

    def __init__(self, lab):
        self.lab = lab
        self.address = lab.parts["edge"].address
        self._found = {}
        self._nobodies = {}

    def typed(self, command):
        from labkit.lab.lifecycle import machines

        return machines.execute(self.lab.engine, self.lab.parts["workstation"].id, ["sh", "-c", command]).strip()

    def __getitem__(self, key):
        if key not in self._found:
            self._found[key] = self._signed(key)
        return self._found[key]

    def _signed(self, key):
        if key == "ecr":
            return Ecr(self.address)
        if key in SPACES:
            space, account = SPACES[key]
        else:
            space, name, command = COMMANDS[key]
            account = (name, self.typed(command).split()[-1])
        return Registry(key, secure(self.address, port_of(key)), host_of(key), space, account)

    def anybody(self, key):
        """Nobody in particular, at this registry."""
        if key not in self._nobodies:
            self._nobodies[key] = Registry(key, secure(self.address, port_of(key)), host_of(key), "")
        return self._nobodies[key]

    def repository(self, key, name="attacked"):
        return self[key].repository(name)

    def held(self, key):
        """{repository: {tag: digest}} of a registry."""
        from labkit.lab.looking.observe import observe

        return observe(self.lab, ["registries"]).registries.known[key].repositories

    def log(self):
        from labkit.lab.looking.observe import observe

        return observe(self.lab, ["log"]).log.events

    def clear(self):
        for registry in [*self._found.values(), *self._nobodies.values()]:
            registry.close()
        with self.lab.wire("edge") as wire:
            seen = wire.get("/observation?sections=store")["store"]["revisions"]
            made = [[key, name] for key, names in seen.items() for name in names if name.endswith("attacked")]
            wire.request("POST", "/remove", {"repositories": made})
            wire.request("POST", "/forget", {"registries": ["ecr", "artifact", "acr", "harbor", "nexus"]})


def of_store(text):
    """Whether the store's own names or places show in an answer."""
    return any(f'"{key}/' in text or f"/v2/{key}/" in text for key in FACTS) or "/var/lib" in text


def told(answer):
    return answer.body.decode(errors="replace") + json.dumps(dict(answer.headers))
