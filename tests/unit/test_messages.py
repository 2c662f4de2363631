"""Each known message is recognised by a text as docker, dockerd or a registry prints it."""

import time

import pytest

from labkit.content import messages
from labkit.jupyter.failures import Ran
from labkit.view import compose

SAID = {
    "hub-token-expired": 'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: personal access token is expired',
    "hub-token-rights": "unauthorized: access token has insufficient scopes",
    "hub-immutable-tag": "denied: requested access to the resource is denied - This tag is already assigned to an image in this repository and cannot be updated due to immutability settings. To push this image, use a different tag.",
    "wrong-password": 'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
    "no-tty": "Error: Cannot perform an interactive login from a non TTY device",
    "password-empty": "Error: password is empty",
    "password-stdin-needs-user": "Must provide --username with --password-stdin",
    "no-basic-auth": 'Error response from daemon: Get "https://r.example/v2/app/manifests/1": no basic auth credentials',
    "credential-helper": 'error getting credentials - err: exec: "docker-credential-desktop": executable file not found in $PATH, out: ``',
    "login-plain-denied": 'Error response from daemon: Get "https://ghcr.io/v2/": denied: denied',
    "ecr-expired": "denied: Your authorization token has expired. Reauthenticate and try again.",
    "gar-denied": 'denied: Permission "artifactregistry.repositories.uploadArtifacts" denied on resource "projects/other/locations/us/repositories/gcr.io" (or it may not exist)',
    "gar-anonymous": 'denied: Unauthenticated request. Unauthenticated requests do not have permission "artifactregistry.repositories.uploadArtifacts" on resource "projects/my-project/locations/europe-west1/repositories/shop" (or it may not exist)',
    "gar-failed": 'Error response from daemon: Get "https://europe-west1-docker.pkg.dev/v2/": unauthorized: authentication failed',
    "gar-no-repository": 'Error response from daemon: repository europe-west1-docker.pkg.dev/my-project/shop/app not found: name unknown: Repository "shop" not found',
    "gar-no-manifest": 'Error response from daemon: manifest for europe-west1-docker.pkg.dev/my-project/shop/app:v9 not found: manifest unknown: Failed to fetch "v9"',
    "acr-no-manifest": 'Error response from daemon: manifest for myregistry.azurecr.io/team/app:v9 not found: manifest unknown: manifest tagged by "v9" is not found',
    "real-credential": 'Error response from daemon: Get "https://myregistry.azurecr.io/v2/": unauthorized: this registry is a stand-in in a lab and takes no real credential: change the one that you typed, if it is in use',
    "ghcr-scope": "denied: permission_denied: The token provided does not match expected scopes.",
    "harbor-quota": "denied: adding 12.0 MiB of storage resource, which when updated to current usage of 2.1 MiB will exceed the configured upper limit of 10.0 MiB.",
    "harbor-no-project": "unknown: bad request: invalid repository name: app",
    "harbor-project": "unauthorized: project team not found: project team not found",
    "harbor-unauthorized": "unauthorized: unauthorized to access repository: P/R, action: push: unauthorized to access repository: P/R, action: push",
    "acr-unauthorized": 'Error response from daemon: Head "https://myregistry.azurecr.io/v2/team/app/manifests/v1": unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.',
    "quay-unauthorized": "unauthorized: access to the requested resource is not authorized",
    "basic-login-refused": "Error response from daemon: login attempt to https://nexus.lab:8082/v2/ failed with status: 401 Unauthorized",
    "ecr-login-refused": "Error response from daemon: login attempt to https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/v2/ failed with status: 400 Bad Request",
    "no-registry-there": "Error response from daemon: login attempt to https://nexus.lab:8081/v2/ failed with status: 404 Not Found",
    "delete-still-tagged": 'FATA[0000] Failed to delete /v2/me/app/manifests/sha256:1: {"errors":[{"code":"DENIED","message":"the manifest is still referenced by a tag"}]} (403 Forbidden)',
    "push-denied": "denied: requested access to the resource is denied",
    "insufficient-scope": "server message: insufficient_scope: authorization failed",
    "harbor-immutable": "unknown: Failed to process request due to 'app:v1' configured as immutable.",
    "immutable-tag": "tag invalid: The image tag 'v1' already exists in the 'x' repository and cannot be overwritten because the tag is immutable.",
    "acr-locked": "unknown: The operation is disallowed on this registry, repository or image. View troubleshooting steps at https://aka.ms/acr/faq/#why-does-my-pull-or-push-request-fail-with-disallowed-operation",
    "nexus-redeploy": "Repository does not allow updating assets: docker-hosted",
    "nexus-group": "denied: Deploying to groups is a PRO-licensed feature. See https://links.sonatype.com/product-nexus-repository",
    "nexus-refused": "blob upload invalid: blob upload invalid",
    "aws-no-credentials": 'Unable to locate credentials. You can configure credentials by running "aws configure".',
    "aws-no-region": 'You must specify a region. You can also configure your region by running "aws configure".',
    "aws-no-connection": 'Could not connect to the endpoint URL: "https://api.ecr.us-east-1.amazonaws.com/"',
    "aws-expired": "An error occurred (ExpiredTokenException) when calling the DescribeRepositories operation: The security token included in the request is expired",
    "aws-unknown-key": "An error occurred (UnrecognizedClientException) when calling the DescribeRepositories operation: The security token included in the request is invalid.",
    "aws-wrong-secret": "An error occurred (InvalidSignatureException) when calling the DescribeRepositories operation: The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    "ecr-repository-missing": "An error occurred (RepositoryNotFoundException) when calling the DescribeImages operation: The repository with name 'none' does not exist in the registry with id '123456789012'",
    "ecr-repository-there": "An error occurred (RepositoryAlreadyExistsException) when calling the CreateRepository operation: The repository with name 'app' already exists in the registry with id '123456789012'",
    "ecr-repository-full": "An error occurred (RepositoryNotEmptyException) when calling the DeleteRepository operation: The repository with name 'app' in registry with id '123456789012' cannot be deleted because it still contains images",
    "ecr-image-missing": "An error occurred (ImageNotFoundException) when calling the DescribeImages operation: The image with imageId {imageDigest:'null', imageTag:'none'} does not exist within the repository with name 'app' in the registry with id '123456789012'",
    "ecr-no-policy": "An error occurred (LifecyclePolicyNotFoundException) when calling the GetLifecyclePolicy operation: Lifecycle policy does not exist for the repository with name 'app' in the registry with id '123456789012'",
    "aws-parameter": "Invalid length for parameter lifecyclePolicyText, value: 2, valid min length: 100",
    "aws-unknown-operation": "An error occurred (UnknownOperationException) when calling the DescribeImageScanFindings operation: this stand-in does not know this operation of Amazon ECR",
    "ecr-no-repository": "name unknown: The repository with name 'x' does not exist in the registry with id '123'",
    "gar-name": "name invalid: Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE",
    "rate-limit": "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading",
    "unsupported": "unsupported: The operation is unsupported.",
    "delete-by-tag": '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}',
    "index-not-accepted": '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"OCI index found, but accept header does not support OCI indexes"}]}',
    "manifest-lost": 'time="2026-11-27T02:35:25Z" level=fatal msg="initializing source docker://localhost:5000/shop:demo: reading manifest demo in localhost:5000/shop: manifest unknown"',
    "skopeo-nothing-to-delete": 'time="2026-11-27T02:53:45Z" level=fatal msg="Unable to delete localhost:5000/shop:v9. Image may not exist or is not stored with a v2 Schema in a v2 registry"',
    "collection-without-configuration": "configuration error: configuration path unspecified",
    "prune-asks": "Are you sure you want to continue? [y/N]",
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
    "certificate-other-name": 'Get "https://workstation:5000/v2/": tls: failed to verify certificate: x509: certificate is valid for registry.example, not workstation',
    "pass-not-initialized": 'Error saving credentials: error storing credentials - err: exit status 1, out: `pass not initialized: exit status 1: Error: password store is empty. Try "pass init".`',
    "cosign-no-signatures": "Error: no signatures found",
    "cosign-other-key": "Error: no matching signatures: invalid signature when validating ASN.1 encoded signature",
    "cosign-no-key": "Error: loading public key: open cosign.pub: no such file or directory",
    "build-secret-missing": "ERROR: failed to solve: secret token: not found",
    "unknown-authority": "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "http-to-https": 'Get "https://localhost:5000/v2/": http: server gave HTTP response to HTTPS client',
    "mirror-without-upstream": 'panic: Get "https://registry-1.docker.io/v2/": dial tcp 127.0.0.1:443: connect: connection refused',
    "mirror-without-scheme": 'panic: Get "registry-1.docker.io/v2/": unsupported protocol scheme ""',
    "registry-configuration": "configuration error: error parsing /etc/docker/registry/config.yml: yaml: line 9: could not find expected ':'",
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
    "digest-dots": 'ContainerSpec: "myusername/myapp@sha256:…" is not a valid repository/tag',
    "no-previous-version": "rpc error: code = FailedPrecondition desc = service 6642bmybzhb3 does not have a previous spec",
    "update-paused": "service update paused: update paused due to failure or early termination of task i1dhz9t18s9p",
    "update-rolled-back": "rollback: rollback completed",
    "update-out-of-sequence": "Error response from daemon: rpc error: code = Unknown desc = update out of sequence",
    "executable-not-found": 'exec: "serve": executable file not found in $PATH: unknown',
    "non-zero-exit": "task: non-zero exit (1)",
    "image-in-use": 'conflict: unable to remove repository reference "myapp:latest" (must force) - container abc is using its referenced image',
    "no-such-container": "Error response from daemon: No such container: web",
    "needs-arguments": '"docker tag" requires exactly 2 arguments.',
    "unknown-flag": "unknown flag: --replica",
    "unknown-command": "docker: 'pusch' is not a docker command.",
    "exclamation-mark": "bash: line 1: !docker: command not found",
    "command-not-found": "bash: line 1: docker: command not found",
    "misspelled-command": "bash: line 1: dcoker: command not found",
    "git-no-repository": "fatal: not a git repository (or any of the parent directories): .git",
    "git-nothing-to-commit": "nothing to commit, working tree clean",
    "git-no-branch": "error: src refspec main does not match any",
    "git-behind": "! [rejected]        main -> main (fetch first)",
    "git-no-remote": "fatal: 'origin' does not appear to be a git repository",
    "git-ext-not-allowed": "fatal: transport 'ext' not allowed",
    "git-who-are-you": "*** Please tell me who you are.",
    # Each as kubectl 1.32.3 printed it on the machine kubernetes.
    "kubectl-no-cluster": "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
    "cosign-log": 'Error: signing digest: Post "https://rekor.sigstore.dev/api/v1/log/entries": dial tcp: lookup rekor.sigstore.dev: no such host',
    "cosign-no-manifest": "Error: signing [harbor.lab/p/shop@sha256:52]: accessing image: GET https://harbor.lab/v2/p/shop/manifests/sha256:52: unexpected status code 500 Internal Server Error",
    # As kubelet 1.32 and containerd 2 say it in a pod's events; not seen in the lab, which has no image of k3s.
    "pod-secret-missing": "Warning  FailedToRetrieveImagePullSecret  2s  kubelet  Unable to retrieve some image pull secrets (pul); attempting to pull the image may not succeed.",
    "pod-pull-refused": 'Warning  Failed  5s  kubelet  Failed to pull image "registry.lab:5000/me/myapp@sha256:70": failed to pull and unpack image "registry.lab:5000/me/myapp@sha256:70": failed to resolve reference "registry.lab:5000/me/myapp@sha256:70": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
    "pod-image-missing": 'Warning  Failed  5s  kubelet  Failed to pull image "registry.lab:5000/me/myapp:v9": rpc error: code = NotFound desc = failed to pull and unpack image "registry.lab:5000/me/myapp:v9": failed to resolve reference "registry.lab:5000/me/myapp:v9": registry.lab:5000/me/myapp:v9: not found',
    "pod-image-name": 'Warning  InspectFailed  5s  kubelet  Failed to apply default image tag "myapp@sha256:70": couldn\'t parse image name "myapp@sha256:70": invalid reference format',
    "pod-never-pulls": 'Warning  ErrImageNeverPull  5s  kubelet  Container image "myapp" is not present with pull policy of Never',
    "pod-pull": "myapp-6c5d7b8f9-x2x4z   0/1     ImagePullBackOff   0          40s",
    "kubectl-dry-run-value": 'error: Invalid dry-run value (clent). Must be "none", "server", or "client".',
    "kubectl-secret-flags": "error: either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
    "kubectl-no-name": "error: exactly one NAME is required, got 0",
    "kubectl-secret-kind": 'error: unknown command "docker pull"',
    "kubectl-unknown-command": 'error: unknown command "rollot" for "kubectl"',
    "kubectl-unknown-flag": "error: unknown flag: --docker-user",
    "kubectl-missing-flag": 'error: required flag(s) "image" not set',
    "kubectl-yaml": "error: error parsing bad.yaml: error converting YAML to JSON: yaml: line 1: did not find expected node content",
    "kubectl-no-manifests": "error: error reading [.]: recognized file extensions are [.json .yaml .yml]",
    "kubectl-no-path": 'error: the path "nothere.yaml" does not exist',
    "kustomize-none": "error: unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '/root/manifests'",
    "kustomize-resource": "error: accumulating resources: accumulation err='accumulating resources from 'x.yaml': evalsymlink failure on '/root/manifests/x.yaml' : lstat /root/manifests/x.yaml: no such file or directory'",
    "act-yaml": "remote: act: Error: yaml: line 4: did not find expected ',' or ']'",
    "act-action-unreachable": "Unable to clone https://github.com/actions/cache refs/heads/v4: dial tcp: lookup github.com",
    "act-unsupported-platform": "🚧  Skipping unsupported platform -- Try running with `-P windows-latest=...`",
    "act-no-workflow": "remote: There is no workflow in .github/workflows and no .gitlab-ci.yml, so nothing runs.",
    "gitlab-yaml": "remote:   .gitlab-ci.yml: Failed to load YAML file .gitlab-ci.yml: while parsing a flow node",
    "gitlab-only": "remote: The job “a” uses only:, an older word that this runner does not know: it would run the job always.",
    "gitlab-stage": "remote:   The job “a” is of the stage “nowhere”, which stages: does not name.",
    "gitlab-no-text": "remote:   A line of the script of “a” is no text for YAML: False. Put the whole line in quotes.",
    "gitlab-needs": "remote:   The job “a” needs “none”, and there is no such job.",
    "gitlab-no-script": "remote:   The job “a” has no script:, so there is nothing that it could do.",
    "gitlab-no-job": "remote:   No job is part of this push's pipeline, so nothing runs: look at rules: and when:.",
    "gitlab-condition": "remote:   rules: if: main   is not a condition that GitLab knows.",
    "two-forms": "remote: This repository has a workflow in .github/workflows and a .gitlab-ci.yml. GitHub would run the first",
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


def test_a_secret_that_kubectl_could_not_make_is_no_registry_that_does_not_answer():
    said = 'error: failed to create secret Post "http://localhost:8080/api/v1/namespaces/default/secrets?fieldManager=kubectl-create": dial tcp 127.0.0.1:8080: connect: connection refused'
    assert messages.find(said)[0].id == "kubectl-no-cluster"


def test_the_events_of_a_pod_say_more_than_its_state():
    events = (
        SAID["pod-secret-missing"],
        SAID["pod-pull-refused"],
        "Warning  Failed  5s  kubelet  Error: ImagePullBackOff",
    )
    assert messages.find("\n".join(events))[0].id == "pod-pull-refused"
    assert messages.find(events[-1])[0].id == "pod-pull"


def test_an_empty_pipe_is_explained_by_the_command_before_it():
    said = f"You must specify a region.\n{SAID['no-tty']}"
    assert messages.find(said)[0].id == "aws-no-region"


def test_what_an_answer_says_counts_where_the_command_ended_well():
    refused = '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}'
    assert Ran("curl -X DELETE", out=refused).error == refused
    assert Ran("kubectl get pods", out=SAID["pod-pull"]).failed
    assert not Ran("cat lesson", out="denied: requested access to the resource is denied").failed


@pytest.mark.parametrize(
    "text",
    [
        "v1.0.0: digest: sha256:abc size: 734",
        "Unable to find image 'busybox:latest' locally",
        "Login Succeeded",
        "Status: Image is up to date",
    ],
)
def test_what_went_well_is_no_error(text):
    assert messages.find(text) is None
    assert "no error" in compose.explain(text).means


def test_an_unknown_message_says_so():
    told = compose.explain("Error response from daemon: the moon is in the wrong house")
    assert "not known here" in told.means
    assert "moon" in told.line
    assert "No error message" in compose.explain("").means


@pytest.mark.parametrize(
    ("printed", "known"),
    [
        ("docker: 'docker tag' requires 2 arguments\n\nUsage:  docker tag SOURCE TARGET\n\nRun 'docker tag --help'", "needs-arguments"),
        ("docker: 'docker service create' requires at least 1 argument", "needs-arguments"),
        ("ERROR: docker: 'docker buildx build' requires 1 argument", "build-argument"),
        ("docker: unknown command: docker pusch\n\nRun 'docker --help' for more information", "unknown-command"),
        ("verify: Detected task failure", "non-zero-exit"),
        ("sh: 1: dcoker: not found", "misspelled-command"),
        ("manifest invalid: cannot update tag v1. The repository has enabled tag immutability", "immutable-tag"),
        ('name unknown: Repository "shop" not found', "gar-no-repository"),
        ("unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information.", "acr-unauthorized"),
        ("Error response from daemon: unauthorized: project shop not found: project shop not found", "harbor-project"),
        ("unknown: 404: Not Found", "no-registry-there"),
        ('Error response from daemon: Head "https://nexus.lab:8082/v2/app/manifests/v1": no basic auth credentials', "no-basic-auth"),
        ("Error response from daemon: pull access denied for 123456789012.dkr.ecr.eu-central-1.amazonaws.com/app, repository does not exist or may require 'docker login': denied: Your authorization token has expired. Reauthenticate and try again.", "ecr-expired"),
        ("Error response from daemon: repository 123456789012.dkr.ecr.eu-central-1.amazonaws.com/app not found: name unknown: The repository with name 'app' does not exist in the registry with id '123456789012'", "ecr-no-repository"),
        ("An error occurred (InvalidParameterException) when calling the ListImages operation: Invalid parameter at 'registryId' failed to satisfy constraint: 'x'", "aws-parameter"),
    ],
)  # fmt: skip
def test_what_newer_dockers_print_is_known_too(printed, known):
    found = messages.find(printed)
    assert found is not None
    assert found[0].id == known


@pytest.mark.parametrize("unit", ["a", "/", "http://", "0/1:"])
def test_a_line_without_end_takes_no_time(unit):
    """A program that prints 32 kB without a space: some patterns would try each place with each length, for seconds."""
    begun = time.process_time()
    assert messages.find(unit * (32_000 // len(unit))) is None
    assert time.process_time() - begun < 1
    line = "denied: requested access to the resource is denied"
    assert messages.find(unit * 8000 + " " + line)[0].id == "push-denied"
