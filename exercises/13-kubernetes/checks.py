from dataclasses import replace

from labkit.content import facts
from labkit.content.check import Evidence, check
from labkit.content.facts import manifests
from labkit.content.scope import Scope
from labkit.seen.reference import Reference

REGISTRY = "registry.lab:5000"


def wanted(lab: Scope) -> Reference:
    return replace(lab.person.image("myapp"), registry=REGISTRY)


@check(
    points=1,
    hints=[
        "A cluster pulls from a registry. Which one holds your image?",
        "The registry's address belongs into the image's name. Sign in there before you push.",
        "docker tag myapp registry.lab:5000/myusername/myapp:v1.0.0, docker login registry.lab:5000, docker push …",
    ],
)
def image_pushed(lab: Scope) -> str:
    """1 · The private registry, registry.lab:5000, has myusername/myapp:v1.0.0."""
    return facts.is_pushed(lab, wanted(lab))


@check(
    points=2,
    hints=[
        "A node has no docker login. What does it sign in with?",
        "kubectl can write a Secret of the right type for you. With --dry-run=client -o yaml it only prints it.",
        'kubectl create secret docker-registry pull --docker-server=registry.lab:5000 --docker-username="$REGISTRY_USER" '
        '--docker-password="$REGISTRY_PASSWORD" --dry-run=client -o yaml > secret.yaml',
    ],
)
def pull_secret(lab: Scope) -> str:
    """2 · A pull secret opens registry.lab:5000."""
    return manifests.has_pull_secret(lab, wanted(lab))


@check(
    points=2,
    needs=["image_pushed"],
    hints=[
        "What does a node pull tomorrow, if somebody moves the tag today?",
        "docker push printed the digest. In the Deployment it stands behind the image's name, after an @.",
        "image: registry.lab:5000/myusername/myapp@sha256:…",
    ],
)
def by_digest(lab: Scope) -> str:
    """3 · A Deployment runs this image, by its digest."""
    return manifests.runs_by_digest(lab, wanted(lab))


@check(
    points=2,
    needs=["pull_secret", "by_digest"],
    hints=[
        "The Secret lies there. Who tells the pods to pull with it?",
        "imagePullSecrets is a list in the pod's own spec: beside containers, not in them.",
        "imagePullSecrets:, and below it - name: pull",
    ],
)
def secret_used(lab: Scope) -> str:
    """4 · Its pods pull with that secret."""
    return manifests.uses_secret(lab, wanted(lab))


@check(
    points=2,
    hints=[
        "How does Kubernetes know that your app can serve, and that it has not hung?",
        "Two probes in the container: readinessProbe and livenessProbe. Where does the app answer?",
        "httpGet: with path: / and port: 8080, in both",
    ],
)
def asked(lab: Scope) -> str:
    """5 · Kubernetes asks the app whether it is ready, and whether it is alive."""
    return manifests.asks_app(lab, wanted(lab))


@check(
    points=2,
    hints=[
        "How many pods may be missing while an update goes on?",
        "replicas and strategy are the Deployment's: they stand in its own spec, beside template.",
        "strategy: with type: RollingUpdate and rollingUpdate: maxUnavailable: 0, maxSurge: 1",
    ],
)
def gently(lab: Scope) -> str:
    """6 · Three replicas, and an update always leaves at least two of them."""
    return manifests.updates_gently(lab, wanted(lab))


@check(
    points=1,
    needs=["pull_secret"],
    hints=[
        "Manifests lie in git, where many people read them. Where may a password stand?",
        "In the Secret alone: in no environment variable, no ConfigMap, no annotation, no comment.",
        "grep -r PASSWORD . shows where it stands",
    ],
)
def hidden(lab: Scope) -> str:
    """7 · In your manifests, the password stands in the secret only."""
    return manifests.keeps_password(lab, wanted(lab))


@check(
    points=1,
    hints=[
        "Would an API server take every file of yours?",
        "Names of fields, types of values, and labels that fit the selector.",
        "The message names the file and the place. kubectl explain needs a cluster; its reference is on kubernetes.io",
    ],
)
def valid(lab: Scope) -> Evidence:
    """8 · Kubernetes would take all of your manifests."""
    return manifests.are_valid(lab, wanted(lab))


@check(
    points=2,
    needs=["by_digest"],
    missing=manifests.no_cluster,
    hints=[
        "The cluster knows nothing of your files until you hand them in.",
        "kubectl apply takes a folder.",
        "kubectl apply -f . and kubectl rollout status deployment/myapp",
    ],
)
def rolled_out(lab: Scope) -> str:
    """9 · The cluster runs it: three ready pods."""
    return manifests.is_rolled_out(lab, wanted(lab))


@check(
    points=2,
    needs=["rolled_out"],
    missing=manifests.no_cluster,
    hints=[
        "A rollout keeps what ran before.",
        "Change something in the pod template, apply it, and go back.",
        "kubectl set env deployment/myapp COLOR=blue, then kubectl rollout undo deployment/myapp",
    ],
)
def rolled_back(lab: Scope) -> str:
    """10 · You rolled out a change, and went back."""
    return manifests.is_rolled_back(lab, wanted(lab))
