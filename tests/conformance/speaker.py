"""Speaks the OCI distribution specification to a registry, by the plainest means, so that nothing but the registry is tested."""

import base64
import hashlib
import http.client
import json
import re
import ssl
from urllib.parse import urlencode, urlsplit

import by_hand

IMAGE, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
CONFIG, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"
SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"
BYTES = "application/octet-stream"


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


class Answer(by_hand.Answer):
    @property
    def digest(self):
        return self.headers["Docker-Content-Digest"]

    @property
    def place(self):
        """Where to go on, as a path: the header may have a whole address."""
        parts = urlsplit(self.headers["Location"])
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def is_(self, *statuses):
        assert self.status in statuses, f"{self.status}, not {statuses}: {self.body[:500]!r}"
        return self


class Registry:
    """`space` is where repositories may be made, `account` who makes them: (name, password), None where all are welcome."""

    def __init__(self, name, connection, host, space, account=None):
        self.name, self._connection, self._host = name, connection, host
        self.space, self._account = space, account

    def ask(self, method, path, body=None, headers=None, host=None):
        told = {"Host": host or self._host, **(headers or {})}
        try:
            return self._send(method, path, body, told)
        except (http.client.BadStatusLine, BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            self.close()  # a connection that was kept, and closed from over there
            return self._send(method, path, body, told)

    def _send(self, method, path, body, headers):
        self._connection.request(method, path, body, headers, encode_chunked=hasattr(body, "__next__"))
        return Answer(self._connection.getresponse())

    def sign_in(self, *scopes):
        """The header that allows these, by what the registry itself says of how that is had."""
        if self._account is None:
            return {}
        pair = {"Authorization": "Basic " + base64.b64encode(":".join(self._account).encode()).decode()}
        asked = self.ask("GET", "/v2/").is_(401).headers["WWW-Authenticate"]
        scheme, _, rest = asked.partition(" ")
        if scheme.lower() == "basic":
            return pair
        said = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        realm = urlsplit(said["realm"])
        query = urlencode([("service", said["service"]), *(("scope", scope) for scope in scopes)])
        token = self.ask("GET", f"{realm.path}?{query}", headers=pair, host=realm.netloc).is_(200).json["token"]
        return {"Authorization": f"Bearer {token}"}

    def close(self):
        self._connection.close()

    def repository(self, name, *sources):
        """A repository of this name, in which its client may do everything; from the sources it may read."""
        return Repository(self, f"{self.space}/{name}", [f"{self.space}/{source}" for source in sources])


class Repository:
    def __init__(self, registry, name, sources=()):
        self.registry, self.name = registry, name
        scopes = [f"repository:{name}:pull,push,delete", *(f"repository:{source}:pull" for source in sources)]
        self.head = registry.sign_in(*scopes)

    def ask(self, method, path, body=None, **headers):
        """`path` below the repository, or from the root where it begins with a slash. Headers are given with _ for -."""
        whole = path if path.startswith("/") else f"/v2/{self.name}/{path}"
        told = {**self.head, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.registry.ask(method, whole, body, told)

    # ── what cases are made of ──

    def begin(self):
        return self.ask("POST", "blobs/uploads/", b"").is_(202).place

    def put(self, place, data, digest=None, **headers):
        return self.ask("PUT", closing(place, digest or digest_of(data)), data, Content_Type=BYTES, **headers)

    def patch(self, place, data, start=None, **headers):
        """A part of an upload; with `start` it says where it belongs."""
        said = {} if start is None else {"Content_Range": f"{start}-{start + len(data) - 1}"}
        return self.ask("PATCH", place, data, Content_Type=BYTES, **said, **headers)

    def blob(self, data, kind=LAYER):
        """Pushes a blob and returns its descriptor."""
        self.put(self.begin(), data).is_(201)
        return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}

    def manifest(self, reference, manifest, status=201):
        body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        kind = IMAGE if isinstance(manifest, bytes) else manifest["mediaType"]
        return self.ask("PUT", f"manifests/{reference or digest_of(body)}", body, Content_Type=kind).is_(status), body

    def image(self, reference="", text="", **more):
        """Pushes an image and returns (its descriptor, its bytes)."""
        config, layer = self.blob(json.dumps({"text": text}).encode(), CONFIG), self.blob(f"layer {text}".encode())
        return self.described(reference, image(config, [layer], **more))

    def described(self, reference, manifest):
        _, body = self.manifest(reference, manifest)
        return {"mediaType": manifest["mediaType"], "digest": digest_of(body), "size": len(body)}, body

    def get(self, path, **headers):
        return self.ask("GET", path, Accept=", ".join((IMAGE, INDEX, SCHEMA_2)), **headers)

    def peek(self, path, **headers):
        return self.ask("HEAD", path, Accept=", ".join((IMAGE, INDEX, SCHEMA_2)), **headers)


def image(config, layers, **more):
    return {"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers, **more}


def index(manifests, **more):
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, **more}


def closing(place, digest):
    return f"{place}{'&' if '?' in place else '?'}{urlencode({'digest': digest})}"


def secure(address, port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return http.client.HTTPSConnection(address, port, timeout=30, context=context)
