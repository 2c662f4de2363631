"""Speaks to the lab's Amazon ECR as AWS's own tools do: the control plane with botocore's signatures, and with its token."""

import base64
import json

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from speaker import Registry, Repository, secure

from labkit.edge.facts import registries

FACTS = registries()["ecr"]
API = "api.ecr.eu-central-1.amazonaws.com"
TARGET = "AmazonEC2ContainerRegistry_V20150921."


class Ecr(Registry):
    """Each repository is made as it is asked for; `pair` is an access key and its secret."""

    def __init__(self, address, space="shop", pair=FACTS.accounts[0]):
        super().__init__("ecr", secure(address, 443), FACTS.host, space, ("AWS", ""))
        self.pair = pair

    def api(self, operation, body=None, change=None, **more):
        """An answer of the control plane. `change` has headers and body after they were signed."""
        data = body if isinstance(body, bytes) else json.dumps({**(body or {}), **more}).encode()
        headers = {"X-Amz-Target": TARGET + operation, "Content-Type": "application/x-amz-json-1.1", "Host": API}
        request = AWSRequest("POST", f"https://{API}/", headers, data)
        SigV4Auth(Credentials(*self.pair), "ecr", "eu-central-1").add_auth(request)
        told = dict(request.headers.items())
        told, data = change(told, data) if change else (told, data)
        return self.ask("POST", "/", data, told, host=API)

    def token(self):
        told = self.api("GetAuthorizationToken").is_(200).json["authorizationData"][0]["authorizationToken"]
        return tuple(base64.b64decode(told).decode().split(":", 1))

    def sign_in(self, *scopes):
        self._account = self._account if self._account[1] else self.token()
        return super().sign_in(*scopes)

    def repository(self, name, *sources):
        for each in (name, *sources):
            self.api("CreateRepository", repositoryName=f"{self.space}/{each}").is_(200, 400)
        return Repository(self, f"{self.space}/{name}", [f"{self.space}/{source}" for source in sources])
