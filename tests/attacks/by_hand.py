"""Speaks to the lab's registries by hand, to say what no client says."""

import base64
import hashlib
import http.client
import json
import ssl
from urllib.parse import urlencode

HUB, PRIVATE = ("registry-1.docker.io", 443), ("registry.lab:5000", 5000)
TOKENS = {HUB: "auth.docker.io", PRIVATE: "registry.lab:5000"}
PASSWORDS = {"myusername": "mypassword", "colleague": "theirpassword"}
OCI = "application/vnd.oci.image.manifest.v1+json"
SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The code of the error, by the distribution specification."""
        return self.json["errors"][0]["code"]

    def __contains__(self, text):
        """Whether a text stands anywhere in the answer."""
        return text in self.body.decode(errors="replace") or any(text in value for value in self.headers.values())


class Registry:
    """A registry of the lab, as a user or as nobody has it. Names are used as they are given. Each question has a connection of
    its own, unless `stays` is set; then who sets it closes it."""

    stays = False

    def __init__(self, lab, where=HUB, user=None):
        context = ssl.create_default_context(cafile=str(lab.folder / "pki/workstation/pki/hub-ca.pem"))
        context.check_hostname = False
        self.where, self.user = where, user
        self._connection = http.client.HTTPSConnection(lab.parts["edge"].address, where[1], timeout=20, context=context)
        self.head = {}

    def ask(self, method, path, body=None, host=None, **headers):
        """Asks with exactly this path. Headers are given with _ for -."""
        told = {**self.head, "Host": host or self.where[0]}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        told = {name: value for name, value in told.items() if value is not None}
        try:
            self._connection.request(method, path, body, told)
            return Answer(self._connection.getresponse())
        finally:
            if not self.stays:
                self.close()

    def close(self):
        self._connection.close()

    def token(self, *scopes, user=None, password=None, host=None):
        """A token's answer for these scopes."""
        user = user or self.user
        told = {}
        if user:
            pair = f"{user}:{PASSWORDS.get(user) if password is None else password}"
            told["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        query = urlencode([("scope", scope) for scope in scopes])
        return self.ask("GET", f"/token?{query}", host=host or TOKENS[self.where], **{"Authorization": None, **told})

    def may(self, *scopes):
        """Takes a token for these scopes, and goes on with it."""
        answer = self.token(*scopes)
        assert answer.status == 200, answer.body
        self.head = {"Authorization": f"Bearer {answer.json['token']}"}
        return self

    def writes(self, name):
        return self.may(f"repository:{name}:pull,push")

    def begin(self, name):
        answer = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status == 202, answer.body
        return answer.headers["Location"]

    def blob(self, name, data):
        """Sends a blob and returns its descriptor."""
        place = self.begin(name)
        answer = self.ask("PUT", f"{place}&{urlencode({'digest': digest_of(data)})}", data)
        assert answer.status == 201, answer.body
        return {"digest": digest_of(data), "size": len(data)}

    def image(self, name, tag, config, layer=b"layer", **more):
        """Sends an image of this config, as bytes, and returns its digest."""
        about = {**self.blob(name, config), "mediaType": "application/vnd.oci.image.config.v1+json"}
        part = {**self.blob(name, layer), "mediaType": "application/vnd.oci.image.layer.v1.tar"}
        told = {"schemaVersion": 2, "mediaType": OCI, "config": about, "layers": [part], **more}
        body = json.dumps(told).encode()
        answer = self.ask("PUT", f"/v2/{name}/manifests/{tag}", body, Content_Type=OCI)
        assert answer.status == 201, answer.body
        return digest_of(body)


def forget(lab, *repositories, registry="hub"):
    """Takes away what an attempt left."""
    with lab.wire("edge") as wire:
        wire.request("POST", "/remove", {"repositories": [[registry, name] for name in repositories]})


def seen(lab, *sections):
    from labkit.lab.looking.observe import observe

    return observe(lab, list(sections))


def on(lab, machine, *command):
    from labkit.lab.lifecycle import machines

    return machines.execute(lab.engine, lab.parts[machine].id, list(command))
