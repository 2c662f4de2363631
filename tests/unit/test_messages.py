"""Each known message is recognised by a text as docker, dockerd or a registry prints it."""

import pytest

from labkit.content import messages
from labkit.jupyter import failures
from labkit.view import compose

SAID = {
    "wrong-password": 'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
    "no-tty": "Error: Cannot perform an interactive login from a non TTY device",
    "password-empty": "Error: password is empty",
    "password-stdin-needs-user": "Must provide --username with --password-stdin",
    "no-basic-auth": 'Error response from daemon: Get "https://r.example/v2/app/manifests/1": no basic auth credentials',
    "credential-helper": 'error getting credentials - err: exec: "docker-credential-desktop": executable file not found in $PATH, out: ``',
    "login-plain-denied": 'Error response from daemon: Get "https://ghcr.io/v2/": denied: denied',
    "ecr-expired": "denied: Your authorization token has expired. Reauthenticate and try again.",
    "gar-denied": 'denied: Permission "artifactregistry.repositories.uploadArtifacts" denied on resource "projects/P/locations/L/repositories/R" (or it may not exist)',
    "gar-anonymous": 'denied: Unauthenticated request. Unauthenticated requests do not have permission "x" on resource "y"',
    "ghcr-scope": "denied: permission_denied: The token provided does not match expected scopes.",
    "harbor-project": "unauthorized: project team not found: project team not found",
    "harbor-unauthorized": "unauthorized: unauthorized to access repository: P/R, action: push: unauthorized to access repository: P/R, action: push",
    "acr-unauthorized": "unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.",
    "quay-unauthorized": "unauthorized: access to the requested resource is not authorized",
    "delete-still-tagged": 'FATA[0000] Failed to delete /v2/me/app/manifests/sha256:1: {"errors":[{"code":"DENIED","message":"the manifest is still referenced by a tag"}]} (403 Forbidden)',
    "push-denied": "denied: requested access to the resource is denied",
    "insufficient-scope": "server message: insufficient_scope: authorization failed",
    "immutable-tag": "tag invalid: The image tag 'v1' already exists in the 'x' repository and cannot be overwritten because the tag is immutable.",
    "acr-locked": "unknown: The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#x",
    "nexus-redeploy": "Repository does not allow updating assets: docker-hosted",
    "ecr-no-repository": "name unknown: The repository with name 'x' does not exist in the registry with id '123'",
    "gar-name": "name invalid: Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE",
    "rate-limit": "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading",
    "unsupported": "unsupported: The operation is unsupported.",
    "no-local-image-push": "An image does not exist locally with the tag: myusername/myapp",
    "no-such-image": "Error response from daemon: No such image: myapp:v9",
    "upper-case": "invalid reference format: repository name (library/MyApp) must be lowercase",
    "invalid-reference": 'Error parsing reference: "my app:v1" is not a valid repository/tag: invalid reference format',
    "pull-denied": "Error response from daemon: pull access denied for myusername/nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    "manifest-unknown": "Error response from daemon: manifest for myusername/myapp:v9 not found: manifest unknown: manifest unknown",
    "not-found-reference": 'failed to resolve reference "docker.io/myusername/myapp:v9": docker.io/myusername/myapp:v9: not found',
    "name-unknown": "name unknown: repository name not known to registry",
    "platform": "no matching manifest for linux/arm64/v8 in the manifest list entries",
    "no-engine": "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    "socket-permission": "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
    "context-missing": 'Failed to initialize: unable to resolve docker endpoint: context "worker9": context not found: open /x/meta.json',
    "unknown-authority": "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "http-to-https": 'Get "https://localhost:5000/v2/": http: server gave HTTP response to HTTPS client',
    "no-such-host": "dial tcp: lookup registry.nowhere on 127.0.0.11:53: no such host",
    "refused-connection": "dial tcp 10.0.0.1:5001: connect: connection refused",
    "timeout": "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    "unauthorized": "unauthorized: authentication required",
    "no-space": "write /var/lib/docker/tmp/x: no space left on device",
    "dockerfile-missing": "unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat /x/Dockerfile: no such file or directory",
    "build-argument": '"docker build" requires exactly 1 argument.',
    "build-copy": "COPY failed: file not found in build context or excluded by .dockerignore: stat nope.html: file does not exist",
    "build-instruction": "dockerfile parse error line 2: unknown instruction: COPPY",
    "build-step": "The command '/bin/sh -c false' returned a non-zero code: 1",
    "not-a-manager": "Error response from daemon: This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state.",
    "name-conflict-service": "Error response from daemon: rpc error: code = AlreadyExists desc = name conflicts with an existing object: service myapp already exists",
    "name-conflict-container": 'Conflict. The container name "/web" is already in use by container "abc".',
    "no-such-service": "Error: no such service: myap",
    "no-suitable-node": "no suitable node (scheduling constraints not satisfied on 3 nodes)",
    "port-in-use": "Bind for 0.0.0.0:8080 failed: port is already allocated",
    "image-not-accessible": "image myusername/nope:v1 could not be accessed on a registry to record",
    "executable-not-found": 'exec: "serve": executable file not found in $PATH: unknown',
    "non-zero-exit": "task: non-zero exit (1)",
    "image-in-use": 'conflict: unable to remove repository reference "myapp:latest" (must force) - container abc is using its referenced image',
    "no-such-container": "Error response from daemon: No such container: web",
    "needs-arguments": '"docker tag" requires exactly 2 arguments.',
    "unknown-flag": "unknown flag: --replica",
    "unknown-command": "docker: 'pusch' is not a docker command.",
    "command-not-found": "bash: line 1: docker: command not found",
}


def test_at_least_forty_messages_are_known_and_each_has_a_sample():
    assert len(messages.known()) >= 40
    assert {one.id for one in messages.known()} == set(SAID)


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_message_is_recognised_and_explained(name):
    found = messages.find(f"The push refers to repository [docker.io/x]\n\x1b[31m{SAID[name]}\x1b[0m\r\n")
    assert found is not None
    assert (found[0].id, found[1]) == (name, SAID[name])
    assert found[0].means.endswith(".")
    assert found[0].next


@pytest.mark.parametrize(
    "text", ["v1.0.0: digest: sha256:abc size: 734", "Login Succeeded", "Status: Image is up to date"]
)
def test_what_went_well_is_no_error(text):
    assert messages.find(text) is None
    assert "no error" in compose.explain(text).means


def test_an_unknown_message_says_so():
    told = compose.explain("Error response from daemon: the moon is in the wrong house")
    assert "not known here" in told.means
    assert "moon" in told.line
    assert "No docker command" in compose.explain("").means


def test_the_last_failed_command_is_remembered():
    memory = failures.Memory()
    for source, printed in (
        ("!docker push x", "denied: requested access to the resource is denied"),
        ("print(1)", "unauthorized: but this is no docker command"),
        ("!docker image ls", "REPOSITORY TAG"),
    ):
        memory.begin(source)
        memory.heard(printed)
        memory.end()
    assert memory.last().startswith("denied")
    memory.begin("!docker pull y")
    for _ in range(500):
        memory.heard("x" * 1000)
    memory.heard("manifest unknown")
    memory.end()
    assert memory.last().endswith("manifest unknown")
    assert len(memory.last()) <= failures.MOST
