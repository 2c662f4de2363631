"""The machines `kubernetes` and `metadata`, for real: what kubectl writes is read, a reset takes it away, and only worker1 has a role."""

from helpers import shell

from labkit.content import exercises
from labkit.lab import find
from labkit.lab.engine import sdk
from labkit.lab.lifecycle import provision
from labkit.lab.looking.observe import observe
from labkit.lab.playing import reset
from labkit.seen.kubernetes import Kubernetes, SignIn

SECRET = """labkit shell kubernetes <<'END'
kubectl create secret docker-registry pull --docker-server=registry.lab:5000 --docker-username="$REGISTRY_USER" \
  --docker-password="$REGISTRY_PASSWORD" --dry-run=client -o yaml > secret.yaml
kubectl create deployment myapp --image=x --dry-run=client -o json > app.json
mkdir other && printf 'resources: [../secret.yaml]' > other/README
kubectl version --client | grep v1.32 && cluster | grep 'no cluster'
END"""

ASK = """labkit shell %s <<'END'
token=$(curl -s -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: $1" http://metadata/latest/api/token)
curl -s -H "X-aws-ec2-metadata-token: $token" http://metadata/latest/meta-data/iam/security-credentials/lab-task-role
END"""


def test_manifests_are_seen_without_their_secrets_and_taken_away(running_lab):
    if "kubernetes" not in running_lab.parts:
        assert observe(running_lab, ["kubernetes"]).kubernetes == Kubernetes()
    lab = provision.start_extra(reset.reset_all(running_lab), "kubernetes", print)
    done = shell(lab, SECRET)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = observe(lab, ["kubernetes"])
    account = SignIn(account=lab.person.username, fits=True)
    assert [(one.file, one.kind) for one in seen.kubernetes.manifests] == [
        ("app.json", "Deployment"),
        ("secret.yaml", "Secret"),
    ]
    assert seen.kubernetes.manifests[1].opens == {"registry.lab:5000": account}
    assert seen.kubernetes.plain == () and "mypassword" not in seen.dump()
    lab = reset.reset(lab, [exercises.load("13-kubernetes")])
    assert observe(lab, ["kubernetes"]).kubernetes.manifests == ()

    # The image that holds a pod's network in k3s: an engine loads it, and it stays.
    with sdk.client(lab.engine) as docker:
        part = docker.containers.get(lab.parts["kubernetes"].id)
        code, archive = part.exec_run(["python3", "-I", "/lab/kubernetes/pause.py"])
        assert code == 0
        (image,) = docker.images.load(archive)
        try:
            pause = docker.containers.run(image.id, detach=True, network_mode="none")
            try:
                pause.reload()
                assert pause.status == "running"
            finally:
                pause.remove(force=True)
        finally:
            docker.images.remove(image.id, force=True)


def test_only_worker1_has_a_role(running_lab):
    lab = provision.start_extra(running_lab, "cloud", print)
    assert '"AccessKeyId"' in shell(lab, ASK.replace("$1", "60") % "worker1").stdout
    assert shell(lab, ASK.replace("$1", "60") % "worker2").stdout.strip() == "This machine has no role."
    assert shell(lab, ASK.replace("$1", "0") % "worker1").stdout == "", "without a session there is no answer"
    assert "cloud" in find.current().plan.extras
