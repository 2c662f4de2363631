"""Speaks to the lab's Azure Container Registry, Artifact Registry and gcr.io as the vendors' commands do: with their tokens."""

import base64
import json
from urllib.parse import urlencode

from speaker import Registry, secure

from labkit.edge.facts import registries
from labkit.edge.flavours.acr import ENTRA, NIL
from labkit.edge.flavours.google import LOCATION, PROJECT, TOKEN

FACTS = registries()
REPOSITORIES = f"/v1/projects/{PROJECT}/locations/{LOCATION}/repositories"
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Vendor(Registry):
    """Fetches a token before it first signs in."""

    def sign_in(self, *scopes):
        self._account = self._account if self._account[1] else (self._account[0], self.token())
        return super().sign_in(*scopes)

    def api(self, method, path, body=None, account=(), host=None):
        """An answer of the vendor's API, as who has a token asks it, or another account, or None for nobody."""
        head = {} if account is None else basic(*(account or (self._account[0], self.token())))
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(method, path, data, {**JSON, **head}, host)


class Acr(Vendor):
    def __init__(self, address, space="team"):
        super().__init__("acr", secure(address, 443), FACTS["acr"].host, space, (NIL, ""))

    def exchange(self, body=None, **form):
        said = {"grant_type": "access_token", "service": self._host, "access_token": ENTRA, **form}
        return self.ask("POST", "/oauth2/exchange", urlencode(said).encode() if body is None else body, FORM)

    def token(self):
        return self.exchange().is_(200).json["refresh_token"]


class Google(Vendor):
    """`key` is artifact or gcr."""

    def __init__(self, address, key="artifact", space=f"{PROJECT}/shop"):
        super().__init__(key, secure(address, 443), FACTS[key].host, space, (TOKEN, ""))

    def token(self):
        return self.ask("POST", "/lab/token", b"", host=FACTS["artifact"].host).is_(200).json["access_token"]

    def make(self, name="shop", **config):
        """A repository of Artifact Registry's, if it is not there yet."""
        body = {"format": "DOCKER", "dockerConfig": config}
        self.api("POST", f"{REPOSITORIES}?{urlencode({'repositoryId': name})}", body, host=API).is_(200, 409)


API = "artifactregistry.googleapis.com"
