"""A program of the machine `metadata`: a stand-in for the address at which a cloud tells a machine who it is.

It speaks what the real `aws` asks of EC2's instance metadata, version 2 (docs.aws.amazon.com, "Use the Instance Metadata
Service to access instance metadata"): a session's token by PUT, then the name of the machine's role, then the role's keys,
which end after a while. One machine of the lab has a role; no other is answered. The keys are those of the lab's Amazon ECR,
made up.
"""

import json
import os
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROLE = "lab-task-role"
CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
TTL, TOKEN = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
LASTING = 6 * 3600
"""Seconds after which a role's keys end."""
LONGEST = 21_600
"""Seconds that a session may last."""

sessions: dict[str, float] = {}
"""{a session's token: the Unix time at which it ends}"""


class Metadata(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        if self.path != "/latest/api/token" or not self._has_role():
            return self._say(404, "")
        wish = self.headers.get(TTL, "")
        if not (wish.isascii() and wish.isdigit() and 0 < int(wish[:9]) <= LONGEST):
            return self._say(400, "")
        now = time.time()
        for ended in [token for token, end in sessions.items() if end < now]:
            del sessions[ended]
        token = secrets.token_urlsafe(32)
        sessions[token] = now + int(wish)
        return self._say(200, token)

    def do_GET(self) -> None:
        if self.path == "/":
            return self._say(200, "ready\n")
        if not self._has_role():
            return self._say(404, "This machine has no role.\n")
        if sessions.get(self.headers.get(TOKEN, ""), 0) < time.time():
            return self._say(401, "")
        if self.path.rstrip("/") == CREDENTIALS.rstrip("/"):
            return self._say(200, ROLE)
        return self._say(200, json.dumps(keys())) if self.path == CREDENTIALS + ROLE else self._say(404, "")

    def _has_role(self) -> bool:
        """By the last number of the machine's address in the lab's network."""
        return self.client_address[0].rpartition(".")[2] == os.environ["ROLE_OF"]

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keeps no log."""


def keys() -> dict[str, str]:
    now = time.time()
    return {
        "Code": "Success",
        "Type": "AWS-HMAC",
        "LastUpdated": _moment(now),
        "Expiration": _moment(now + LASTING),
        "AccessKeyId": os.environ["ROLE_KEY"],
        "SecretAccessKey": os.environ["ROLE_SECRET"],
        "Token": secrets.token_urlsafe(48),
    }


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


if __name__ == "__main__":
    ThreadingHTTPServer(("", 80), Metadata).serve_forever()
