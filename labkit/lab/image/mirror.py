"""The machine `mirror`: CNCF Distribution, which becomes a pull-through cache once somebody adds `proxy` to its configuration.

The registry is started again whenever it ends, as systemd would do it, and reads its configuration then. At port 8080 labkit is
told of it (labkit/lab/looking/mirror.py): JSON, without what else the configuration says, such as a password.

`mirror.py fresh` makes the machine as it was at the start.
"""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FIRST = Path("/lab/mirror.yml")
CONFIG = Path("/etc/docker/registry/config.yml")
"""What people edit: where Debian's package has it."""
LOG = Path("/var/log/docker-registry.log")
STORE = Path("/var/lib/registry/docker")
HOSTS, FIRST_HOSTS = Path("/etc/hosts"), Path("/run/hosts.first")
ANEW = Path("/run/mirror.anew")
"""Is there while the registry has yet to begin anew."""
HUB = "registry-1.docker.io"
PORT = 5000
"""Where the first configuration has it."""
STARTED = 60.0
"""Seconds that a registry may take to start on a busy machine."""

UPSTREAM = re.compile(r"""^[^#\n]*\bremoteurl:\s*["']?([^\s"'},#]+)""", re.MULTILINE)
ADDRESS = re.compile(r"""^[^#\n]*\baddr:\s*["']?[^\s"'},#]*:(\d{1,5})""", re.MULTILINE)
SERVED = re.compile(
    r'^(\S+) .*"(GET|HEAD) /v2/(\S+)/(manifests|blobs)/(\S+) HTTP/[\d.]+" (\d{3}) .*"((?:\\.|[^"\\])*)"$'
)
"""A line of the registry's access log, in Apache's combined form."""
MOST = 1000
"""Requests that are told, the newest."""


class Registry:
    """The registry's process, and what it served since the machine started."""

    line = SERVED
    """The lines of its log that are kept."""

    def __init__(self) -> None:
        self.config = ""
        """What it was started with, whatever was written to the file since then."""
        self.served: deque[dict[str, object]] = deque(maxlen=MOST)

    def run(self) -> None:
        while True:
            if ANEW.exists():
                self.served.clear()
                ANEW.unlink()
            self.config = CONFIG.read_text(errors="replace") if CONFIG.is_file() else ""
            process = subprocess.Popen(
                ["docker-registry", "serve", str(CONFIG)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            )
            assert process.stdout is not None
            with LOG.open("a") as log:
                for line in process.stdout:
                    text = line.decode(errors="replace")
                    log.write(text)
                    log.flush()
                    if match := self.line.match(text.rstrip("\n")):
                        self._keep(match)
            process.wait()
            time.sleep(0.5)

    def _keep(self, match: re.Match[str]) -> None:
        client, method, repository, kind, reference, status, agent = match.groups()
        action = "blob" if kind == "blobs" else "head" if method == "HEAD" else "pull"
        self.served.append(
            {
                "time": round(time.time(), 3),
                "client": client,
                "action": action,
                "repository": repository,
                "reference": reference,
                "status": int(status),
                "agent": agent,
            }
        )

    def told(self) -> dict[str, object]:
        upstream, address = UPSTREAM.search(self.config), ADDRESS.search(self.config)
        port = int(address[1]) if address else PORT
        return {
            "port": port if listens(port) else 0,
            "upstream": upstream[1] if upstream else "",
            "repositories": held(STORE),
            "served": list(self.served),
        }


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def held(store: Path) -> dict[str, dict[str, str]]:
    """{repository: {tag: digest}} of what lies in the registry's folder."""
    found: dict[str, dict[str, str]] = {}
    root = store / "registry" / "v2" / "repositories"
    for link in sorted(root.glob("**/_manifests/tags/*/current/link")):
        tag, repository = link.parents[1].name, link.parents[4].relative_to(root)
        found.setdefault(str(repository), {})[tag] = link.read_text().strip()
    return found


def fresh() -> None:
    shutil.copyfile(FIRST, CONFIG)
    HOSTS.write_bytes(FIRST_HOSTS.read_bytes())  # a mount of the engine's, which can be written and not replaced
    shutil.rmtree(STORE, ignore_errors=True)
    LOG.write_text("")
    start_anew()


def start_anew() -> None:
    """Has the registry start again with its first configuration, and forget what it served. Labkit waits for it: who looks
    at once finds a registry that answers."""
    ANEW.touch()
    while ANEW.exists():
        subprocess.run(["pkill", "-x", "docker-registry"], check=False)
        time.sleep(0.1)
    deadline = time.monotonic() + STARTED
    while not listens(PORT) and time.monotonic() < deadline:
        time.sleep(0.1)


def trust() -> None:
    """Trusts who answers as Docker Hub: in the lab's own network that is the stand-in. A real machine needs no such thing."""
    while True:
        try:
            found = ssl.get_server_certificate((HUB, 443), timeout=5)
        except OSError:
            time.sleep(0.2)
        else:
            usual = Path("/lab/ca-certificates.crt").read_text()
            Path("/etc/ssl/certs/ca-certificates.crt").write_text(usual + found)
            return


def answer_at(port: int, registry: Registry) -> None:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps(registry.told()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    ThreadingHTTPServer(("", port), Answer).serve_forever()


def main() -> None:
    if not FIRST_HOSTS.exists():  # once a container; started again it keeps what people did
        shutil.copyfile(FIRST, CONFIG)
        LOG.touch()
    shutil.copyfile(HOSTS, FIRST_HOSTS)  # the engine writes it at each start
    registry = Registry()
    threading.Thread(target=answer_at, args=(8080, registry), daemon=True).start()
    trust()
    registry.run()


if __name__ == "__main__":
    fresh() if "fresh" in sys.argv else main()
