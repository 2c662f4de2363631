"""What JupyterHub and its proxy are told, as values."""

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

from labkit.classroom.hub import workplace
from labkit.jupyter.server import START

SERVICE = "classroom"
"""The classroom as JupyterHub's service."""
CLIENT = f"service-{SERVICE}"
"""The same as an OAuth client."""
MAY = f"access:services!service={SERVICE}"
"""The scope with which somebody may enter the classroom by JupyterHub's sign-in."""
INSTRUCTORS = "instructors"
"""JupyterHub's group of those who see all servers and may stop them. They may not open them: a learner's server is a program
of that learner's."""

CULLER = "idle-culler"
"""JupyterHub's service that stops JupyterLabs in which nothing happens: jupyterhub-idle-culler."""
HUB = "LABKIT_HUB_PID"
"""In that service's environment: JupyterHub's process, with which it ends."""
REPORT = 300
"""The most seconds after which JupyterHub is told again when something happened in a server: its own default."""

SPAWNER = "labkit.classroom.hub.spawner.LabSpawner"
AUTHENTICATOR = "labkit.classroom.hub.authenticator.RosterAuthenticator"

KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LABKIT_COURSE")
"""What of root's environment learners' servers get: what this Python may need to start, and where the course is."""

SETTINGS, SECRETS, RUNNING = "settings.json", "secrets.json", "running.json"
"""Files of the hub's folder: Settings, Secrets (only its user may read them), and which processes run."""


class Settings(msgspec.Struct, frozen=True):
    """No secrets. Ports are of this machine; all but `port` listen on loopback."""

    host: str
    port: int
    """JupyterHub's address for browsers."""
    classroom: str
    """https://HOST:PORT, for the hub's own questions."""
    classroom_port: int
    """For browsers, which know this machine by the name they have come with."""
    ca: str
    """The file with the authority of the classroom's certificate."""
    back: str
    """Where JupyterHub's sign-in leads to: a page of the classroom."""
    realm: str
    folder: str
    """Of the hub: its database and logs."""
    homes: str
    """Learners' homes are made there."""
    tls_certificate: str
    tls_key: str
    hub_port: int
    proxy_api: int
    memory: int
    """Bytes that a learner's JupyterLab with all that runs in it may use."""
    processes: int
    """Processes and threads of it."""
    python: str
    """Runs the learners' JupyterLab."""
    idle: float = 0.0
    """Seconds after which a JupyterLab in which nothing happens is stopped; 0 for never."""
    own_name: str = ""
    """Whoever asks for this name gets the classroom's own certificate, whatever browsers get: JupyterLabs on other servers."""
    own_certificate: str = ""
    own_key: str = ""

    @property
    def hub(self) -> str:
        return f"http://127.0.0.1:{self.hub_port}"


class Secrets(msgspec.Struct, frozen=True):
    """New ones each time that the hub is started. In a file, never on a command line."""

    classroom: str
    """With this the hub asks the classroom."""
    service: str = msgspec.field(default_factory=lambda: secrets.token_hex(32))
    """With this the classroom asks the hub."""
    proxy: str = msgspec.field(default_factory=lambda: secrets.token_hex(32))
    """With this the hub tells the proxy where to lead."""
    guard: str = msgspec.field(default_factory=lambda: secrets.token_hex(32))
    """Signs the cookie with which the proxy lets a browser to a learner's server."""


def made(settings: Settings, kept: Secrets, inside: dict[str, str]) -> dict[str, dict[str, Any]]:
    """{class: {trait: value}}: JupyterHub's configuration. `inside`: for_services()."""
    folder = Path(settings.folder)
    return {
        "JupyterHub": {
            "bind_url": f"http://:{settings.port}/",  # the proxy, which ends TLS, is the classroom's
            "hub_bind_url": settings.hub,
            "db_url": f"sqlite:///{folder / 'jupyterhub.sqlite'}",
            "cookie_secret_file": str(folder / "cookie.secret"),
            "authenticator_class": AUTHENTICATOR,
            "spawner_class": SPAWNER,
            "cleanup_proxy": False,
            "cleanup_servers": True,
            "allow_named_servers": False,
            "concurrent_spawn_limit": 0,  # the broker starts no more labs at once than the cores bear
            "services": [
                {
                    "name": SERVICE,
                    "api_token": kept.service,
                    "oauth_client_id": CLIENT,
                    "oauth_redirect_uri": settings.back,
                    "oauth_no_confirm": True,
                    "display": False,
                },
                *_culler(settings, inside),
            ],
            "load_roles": [
                {"name": "user", "scopes": ["self", MAY]},
                {
                    "name": INSTRUCTORS,
                    "scopes": ["admin-ui", "list:users", "read:users", "read:servers", "delete:servers"],
                    "groups": [INSTRUCTORS],
                },
                *_culls(settings),
            ],
            "last_activity_interval": reported(settings.idle),
            "tornado_settings": {"slow_spawn_timeout": 0},  # at once to the page that shows how far it is
            "log_level": "WARN",
        },
        "ConfigurableHTTPProxy": {
            "should_start": False,
            "api_url": f"http://127.0.0.1:{settings.proxy_api}",
            "auth_token": kept.proxy,
            "check_running_interval": 5,
        },
        "Authenticator": {"allow_all": True, "manage_groups": True},  # it knows nobody but the roster
        "LabSpawner": {
            "settings": settings,
            "kept": kept,
            "cmd": workplace.command(settings.python),
            "default_url": START,
            "start_timeout": 900,
            "http_timeout": 120,
            "interrupt_timeout": 3,
            "term_timeout": 2,
            "poll_interval": 10,
            "env_keep": list(KEPT),
            "environment": {"JUPYTERHUB_ACTIVITY_INTERVAL": str(reported(settings.idle))},
        },
        "RosterAuthenticator": {"settings": settings, "kept": kept},
    }


def reported(idle: float) -> int:
    """Seconds after which JupyterHub hears again when something happened in a server: several times before one counts as idle,
    or it would stop who works."""
    return min(REPORT, max(1, round(idle) // 4)) if idle else REPORT


def why_stopped(seconds: float) -> str:
    """Why JupyterLab was stopped, for its learner and for the log. `seconds`: since something happened in it."""
    time = f"{round(seconds / 60)} min" if seconds >= 90 else f"{round(seconds)} s"
    return f"nothing happened in it for {time}"


def _culler(settings: Settings, inside: dict[str, str]) -> list[dict[str, Any]]:
    """The service that stops idle JupyterLabs. The hub starts it, and gives it a token of its own."""
    if not settings.idle:
        return []
    limit = max(1, round(settings.idle))
    every = min(60, max(1, limit // 2))
    words = ["-P", "-m", "labkit.classroom.hub.culling", f"--timeout={limit}", f"--cull-every={every}"]
    command = [settings.python, *words]
    return [{"name": CULLER, "command": command, "environment": inside, "display": False}]


def _culls(settings: Settings) -> list[dict[str, Any]]:
    """What it may: see who has a server and when something happened in it, and stop it. It may not enter one."""
    if not settings.idle:
        return []
    scopes = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
    return [{"name": CULLER, "scopes": scopes, "services": [CULLER]}]


def for_learners() -> dict[str, str]:
    """The part of this process's environment that learners' servers get."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def for_services() -> dict[str, str]:
    """What JupyterHub's own services get, in JupyterHub's process: what this Python may need to start, and whose they are."""
    return for_learners() | {HUB: str(os.getpid())}


def parsed(content: bytes) -> Settings:
    """Raises one of keeping.ODD."""
    return msgspec.json.decode(content, type=Settings)


def read(folder: Path) -> tuple[Settings, Secrets]:
    """What the classroom has written there for the hub. Raises OSError or msgspec.MsgspecError."""
    return (
        parsed((folder / SETTINGS).read_bytes()),
        msgspec.json.decode((folder / SECRETS).read_bytes(), type=Secrets),
    )
