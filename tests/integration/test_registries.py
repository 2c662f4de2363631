"""Each registry with real clients: docker, buildx, skopeo, oras and buildah sign in, push and pull; and what vendors say by docker."""

import json
import shlex

import pytest
from helpers import labkit, shell


def on(lab, machine, script):
    from labkit.lab.lifecycle import machines

    return machines.execute(lab.engine, lab.parts[machine].id, ["sh", "-ec", script])


PLACES = {
    "hub": ("docker.io/myusername", "myusername", "mypassword"),
    "private": ("registry.lab:5000/team", "myusername", "mypassword"),
    "harbor": ("harbor.lab/library", "admin", "Harbor12345"),
    "ecr": ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop", "AWS", "$(aws ecr get-login-password)"),
    "nexus-hosted": ("nexus.lab:8082/team", "admin", "admin123"),
    "acr": (
        "myregistry.azurecr.io/team",
        "00000000-0000-0000-0000-000000000000",
        "$(az acr login -n myregistry --expose-token --output tsv --query accessToken)",
    ),
    "artifact": (
        "europe-west1-docker.pkg.dev/my-project/shop",
        "oauth2accesstoken",
        "$(gcloud auth print-access-token)",
    ),
    "gcr": ("gcr.io/my-project", "oauth2accesstoken", "$(gcloud auth print-access-token)"),
}
MAKES = {
    "ecr": "aws ecr create-repository --repository-name shop/{client} > /dev/null\n",
    "artifact": "gcloud artifacts repositories create shop --repository-format=docker --location=europe-west1\n",
}
"""What must be made before the first push."""

CLIENTS = {
    "docker": """
docker login -u {user} -p {password} {host}
docker tag myapp {place}/docker:v1
docker push -q {place}/docker:v1
docker pull -q {place}/docker:v1
docker rmi {place}/docker:v1
docker logout {host}
""",
    "buildx": """
docker login -u {user} -p {password} {host}
mkdir -p /tmp/buildx && cd /tmp/buildx && echo hello > hello.txt
printf 'FROM scratch\\nCOPY hello.txt /\\n' > Dockerfile
docker buildx build -q --push -t {place}/buildx:v1 . > /dev/null
docker buildx imagetools inspect {place}/buildx:v1 | grep sha256
docker pull -q {place}/buildx:v1
docker rmi {place}/buildx:v1 && rm -r /tmp/buildx
docker logout {host}
""",
    "skopeo": """
skopeo login -u {user} -p {password} {host}
skopeo copy -q docker-archive:/lab/myapp.tar docker://{place}/skopeo:v1
skopeo inspect docker://{place}/skopeo:v1 > /dev/null
skopeo copy -q --src-no-creds docker://docker.io/library/busybox:latest dir:/tmp/skopeo
rm -r /tmp/skopeo
skopeo delete docker://{place}/skopeo:v1 || echo kept
skopeo logout {host}
""",
    "oras": """
cd /tmp && echo hello > hello.txt
oras login -u {user} -p {password} {host}
oras push {place}/oras:v1 hello.txt:text/plain
oras attach --artifact-type application/vnd.example.note {place}/oras:v1 hello.txt:text/plain
oras discover {place}/oras:v1 | grep application/vnd.example.note
rm hello.txt && oras pull {place}/oras:v1 && grep hello hello.txt && rm hello.txt
oras logout {host}
""",
    "buildah": """
buildah login -u {user} -p {password} {host}
buildah --storage-driver vfs pull -q docker-archive:/lab/myapp.tar > /dev/null
buildah --storage-driver vfs push -q myapp:latest {place}/buildah:v1
buildah --storage-driver vfs rmi -a > /dev/null
buildah --storage-driver vfs pull -q {place}/buildah:v1
buildah --storage-driver vfs rmi -a > /dev/null
buildah logout {host}
""",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("key", PLACES)
def test_real_clients_push_to_and_pull_from_each(running_lab, key, client):
    from labkit.lab.looking.observe import observe

    place, user, password = PLACES[key]
    host = "" if key == "hub" and client in ("docker", "buildx") else place.partition("/")[0]
    script = CLIENTS[client].format(place=place, host=host, user=user, password=password)
    on(running_lab, "workstation", MAKES.get(key, "").format(client=client) + script)
    name = f"{place.partition('/')[2]}/{client}"
    seen = observe(running_lab, ["registries", "log"])
    assert any(
        event.action == "push" and (event.registry, event.repository, event.user) == (key, name, user) and event.ok
        for event in seen.log.events
    )
    if client != "skopeo":
        assert "v1" in seen.registries.known[key].repositories[name]
    with running_lab.wire("edge") as wire:
        wire.request("POST", "/remove", {"repositories": [[key, name]]})
        if key in MAKES:
            wire.request("POST", "/forget", {"registries": [key]})


def api(lab, method, path, body=None, account="myusername:mypassword", status=201, root="https://harbor.lab/api/v2.0"):
    """Asks a vendor's API by curl's like, from the workstation."""
    script = f"""
import base64, json, ssl, sys, urllib.request as u
context = ssl.create_default_context(cafile="/lab/pki/hub-ca.pem")
head = {{"Authorization": "Basic " + base64.b64encode({account!r}.encode()).decode(), "Content-Type": "application/json"}}
asked = u.Request({root!r} + {path!r}, json.dumps({body!r}).encode(), head, method={method!r})
try:
    answer = u.urlopen(asked, context=context)
except u.HTTPError as error:
    answer = error
print(json.dumps([answer.status, (answer.read() or b"null").decode()]))
"""
    from labkit.lab.lifecycle import machines

    told = machines.execute(lab.engine, lab.parts["workstation"].id, ["python3", "-c", script])
    found, text = json.loads(told)
    assert found == status, text
    return json.loads(text)


def refused(lab, script):
    told = shell(lab, script)
    assert told.returncode != 0
    return told.stderr.strip().splitlines()[-1]


def test_harbors_words_are_what_docker_prints(lab):
    """A team's way: no project, a project, a robot that only pulls, one that pushes, and a tag that is immutable."""
    login = "docker login -u myusername -p mypassword harbor.lab 2>/dev/null; docker tag myapp harbor.lab/shop/app:v1; "
    missing = refused(lab, login + "docker push harbor.lab/shop/app:v1")
    assert missing == "unauthorized: project shop not found: project shop not found"

    api(lab, "POST", "/projects", {"project_name": "shop"})
    assert shell(lab, "docker push harbor.lab/shop/app:v1").returncode == 0

    def robot(name, *actions):
        access = [{"resource": "repository", "action": action} for action in actions]
        permissions = [{"kind": "project", "namespace": "shop", "access": access}]
        body = {"name": name, "level": "project", "duration": 30, "permissions": permissions}
        made = api(lab, "POST", "/robots", body)
        return f"docker login -u '{made['name']}' -p {made['secret']} harbor.lab 2>/dev/null; "

    looks = robot("look", "pull")
    line = "unauthorized to access repository: shop/app, action: push"
    assert refused(lab, looks + "docker push harbor.lab/shop/app:v1") == f"unauthorized: {line}: {line}"
    assert shell(lab, "docker pull -q harbor.lab/shop/app:v1").returncode == 0

    pushes = robot("ci", "pull", "push")
    selectors = {
        "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "v*"}],
        "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "**"}]},
    }
    api(lab, "POST", "/projects/shop/immutabletagrules", selectors)
    fixed = refused(lab, pushes + "docker push harbor.lab/shop/app:v1")
    assert fixed == "unknown: Failed to process request due to 'app:v1' configured as immutable."
    assert shell(lab, "docker tag myapp harbor.lab/shop/app:dev; docker push harbor.lab/shop/app:dev").returncode == 0
    wrong = refused(lab, "docker login -u 'robot$shop+ci' -p wrong harbor.lab")
    assert wrong.endswith("unauthorized: authentication required")
    shell(lab, "docker logout harbor.lab")


HARBOR = "docker login -u {0} -p {1} harbor.lab 2>/dev/null; "


def test_a_team_in_harbor_by_docker(lab):
    """A member's role, a quota in Harbor's words, and a retention run after which a pull finds nothing."""
    mine, theirs = HARBOR.format("myusername", "mypassword"), HARBOR.format("colleague", "theirpassword")
    api(lab, "POST", "/projects", {"project_name": "shop"})
    number = api(lab, "GET", "/projects/shop", status=200)["project_id"]
    tag = "docker tag myapp harbor.lab/shop/app:{0}; docker push harbor.lab/shop/app:{0}"
    assert shell(lab, mine + tag.format("v1")).returncode == 0

    line = "unauthorized to access repository: shop/app, action: push"
    api(lab, "POST", "/projects/shop/members", {"role_id": 3, "member_user": {"username": "colleague"}})
    assert shell(lab, theirs + "docker pull -q harbor.lab/shop/app:v1").returncode == 0
    assert refused(lab, tag.format("v2")) == f"unauthorized: {line}: {line}"

    build = "printf 'FROM busybox\\nRUN head -c 5000000 /dev/urandom > /more\\n' | docker build -q -t harbor.lab/shop/app:v2 -"
    admin = "admin:Harbor12345"
    api(lab, "PUT", f"/quotas/{number}", {"hard": {"storage": 6_000_000}}, admin, 200)
    told = refused(lab, mine + f"{build}; docker push harbor.lab/shop/app:v2")
    assert told.startswith("denied: adding 4.8 MiB of storage resource, which when updated to current usage of ")
    assert told.endswith("will exceed the configured upper limit of 5.7 MiB.")
    api(lab, "PUT", f"/quotas/{number}", {"hard": {"storage": -1}}, admin, 200)
    assert shell(lab, "docker push harbor.lab/shop/app:v2").returncode == 0

    every = {"kind": "doublestar", "decoration": "matches", "pattern": "**"}
    rule = {
        "template": "latestPushedK",
        "params": {"latestPushedK": 1},
        "tag_selectors": [every],
        "scope_selectors": {"repository": [{**every, "decoration": "repoMatches"}]},
    }
    scope = {"level": "project", "ref": number}
    api(lab, "POST", "/retentions", {"algorithm": "or", "rules": [rule], "scope": scope})
    policy = api(lab, "GET", "/projects/shop", status=200)["metadata"]["retention_id"]
    for dry, left in ((True, 0), (False, 1)):
        api(lab, "POST", f"/retentions/{policy}/executions", {"dry_run": dry})
        assert shell(lab, "docker pull harbor.lab/shop/app:v1").returncode == left
    assert shell(lab, "docker rmi harbor.lab/shop/app:v2 && docker pull -q harbor.lab/shop/app:v2").returncode == 0
    assert shell(lab, mine + tag.format("v1")).returncode == 0  # its layers went, and come again
    shell(lab, "docker logout harbor.lab; docker rmi harbor.lab/shop/app:v1 harbor.lab/shop/app:v2")


def test_tokens_expire_when_a_lesson_says_so(lab):
    """An engine fetches another by itself: the push after it succeeds, and a token from before opens nothing any more."""
    from speaker import Registry, secure

    hub = Registry(
        "hub",
        secure(lab.parts["edge"].address, 443),
        "registry-1.docker.io",
        "myusername",
        ("myusername", "mypassword"),
    )
    before = hub.sign_in("repository:library/busybox:pull")
    assert hub.ask("GET", "/v2/library/busybox/manifests/latest", headers=before).status == 200
    assert "Docker Hub: 5 minutes have passed" in labkit("expire", "docker.io", check=0).stdout
    assert hub.ask("GET", "/v2/library/busybox/manifests/latest", headers=before).status == 401
    hub.close()
    assert shell(lab, "docker pull -q busybox").returncode == 0
    told = labkit("expire", "ghcr.io", check=2).stderr
    assert "There is no registry 'ghcr.io'" in told


def test_a_reset_of_the_lab_forgets_what_a_vendor_keeps(lab):
    from labkit.lab.playing.reset import reset_all

    api(lab, "POST", "/projects", {"project_name": "shop"})
    api(lab, "GET", "/projects/shop", status=200)
    api(lab, "GET", "/projects/shop", account="admin:Harbor12345", status=200)
    reset_all(lab)
    api(lab, "GET", "/projects/shop", status=404)


def typed(script, check=0):
    """What a script prints in a shell on the workstation: its output, or where it is to fail its last line."""
    told = labkit("shell", "workstation", "bash", "-c", script, check=None)
    assert (told.returncode != 0) == bool(check), told.stderr
    return told.stderr.strip().splitlines()[-1] if check else told.stdout


ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
AWS_LOGIN = f"aws ecr get-login-password | docker login --username AWS --password-stdin {ECR}"
"""As Amazon prints it."""


def test_amazons_words_are_what_its_own_tools_print(lab):
    """A team's way, typed in a shell on the workstation: sign in, no repository, a repository, and a tag that is immutable."""
    image = f"{ECR}/shop/app:v1"
    assert "no basic auth credentials" in typed(f"docker tag myapp {image}; docker push {image}", 1)
    assert "Login Succeeded" in typed(AWS_LOGIN)
    none = "The repository with name 'shop/app' does not exist in the registry with id '123456789012'"
    assert typed(f"docker push {image}", 1) == f"name unknown: {none}"
    assert typed("aws ecr describe-images --repository-name shop/app", 1).endswith(f"operation: {none}")

    made = json.loads(typed("aws ecr create-repository --repository-name shop/app"))["repository"]
    assert made["repositoryUri"] == f"{ECR}/shop/app"
    pushed = typed(f"docker push -q {image} && docker push {image}")
    (told,) = json.loads(typed("aws ecr describe-images --repository-name shop/app"))["imageDetails"]
    assert told["imageDigest"] in pushed and told["imageTags"] == ["v1"] and told["imageSizeInBytes"] > 1_000_000

    typed("aws ecr put-image-tag-mutability --repository-name shop/app --image-tag-mutability IMMUTABLE")
    fixed = "The image tag 'v1' already exists in the 'shop/app' repository and cannot be overwritten because the tag is immutable."
    assert typed(f"docker push {image}", 1) == f"tag invalid: {fixed}"

    assert "Amazon ECR: 12 hours have passed" in labkit("expire", "ecr", check=0).stdout
    gone = "denied: Your authorization token has expired. Reauthenticate and try again."
    assert typed(f"docker pull {image}", 1).endswith(gone)
    typed(AWS_LOGIN)
    typed(f"docker pull -q {image}")

    wrong = typed("AWS_SECRET_ACCESS_KEY=x aws ecr describe-repositories", 1)
    assert "(InvalidSignatureException)" in wrong and "Check your AWS Secret Access Key and signing method" in wrong
    real = typed(f"AWS_ACCESS_KEY_ID=AKIA{'IOSFODNN7EXAMPLE'} aws ecr describe-repositories", 1)
    assert "(UnrecognizedClientException)" in real and "takes no real credential" in real
    assert typed(f"docker login -u AWS -p wrong {ECR}", 1).endswith("failed with status: 400 Bad Request")
    typed(f"aws ecr delete-repository --repository-name shop/app --force; docker rmi {image}; docker logout {ECR}")


ANSWERS_EXPIRED = """
import http.server, json, subprocess, sys, threading

class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told = {"__type": "ExpiredTokenException", "message": "The security token included in the request is expired"}
        body = json.dumps(told).encode()
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
where = f"http://127.0.0.1:{server.server_port}"
sys.exit(subprocess.call(["aws", "ecr", "describe-repositories", "--endpoint-url", where]))
"""
"""AWS' answer to a temporary key that has ended. The stand-in gives no such keys, so it is given to the real `aws` by hand."""


def test_what_aws_prints_of_a_temporary_key_that_has_ended_is_explained(lab):
    from labkit.content import messages

    printed = typed(f"AWS_SESSION_TOKEN=old python3 -c {shlex.quote(ANSWERS_EXPIRED)}", 1)
    assert messages.find(printed)[0].id == "aws-expired", printed


ACR = "myregistry.azurecr.io"
VISIT = "unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information."
ACR_LOGIN = (
    "az acr login -n myregistry --expose-token --output tsv --query accessToken"
    f" | docker login {ACR} -u 00000000-0000-0000-0000-000000000000 --password-stdin"
)
PRINCIPAL = f"""
ACR_REGISTRY_ID=$(az acr show --name myregistry --query "id" --output tsv)
PASSWORD=$(az ad sp create-for-rbac --name ci --scopes $ACR_REGISTRY_ID --role acrpull --query "password" --output tsv)
USER_NAME=$(az ad sp list --display-name ci --query "[].appId" --output tsv)
docker login {ACR} --username $USER_NAME --password $PASSWORD
"""
"""As Microsoft prints them."""


def test_microsofts_words_are_what_docker_prints(lab):
    """A team's way: sign in, push, lock a tag, a service principal that only pulls, and three hours later."""
    image = f"{ACR}/team/app:v1"
    assert typed(f"docker tag myapp {image}; docker push {image}", 1) == VISIT
    head = f'Error response from daemon: Head "https://{ACR}/v2/team/app/manifests/v1": {VISIT}'
    assert typed(f"docker pull {image}", 1) == head
    denied = typed(f"docker login {ACR} -u myregistry -p mypassword", 1)
    assert denied == f'Error response from daemon: Get "https://{ACR}/v2/": {VISIT}'

    assert "Login Succeeded" in typed(ACR_LOGIN)
    missing = 'manifest unknown: manifest tagged by "v1" is not found'
    assert typed(f"docker pull {image}", 1).endswith(missing)
    typed(f"docker push {image}")
    assert json.loads(typed("az acr repository list -n myregistry")) == ["team/app"]
    assert json.loads(typed("az acr repository show-tags -n myregistry --repository team/app")) == ["v1"]

    lock = "az acr repository update --name myregistry --image team/app:v1 --write-enabled"
    assert json.loads(typed(f"{lock} false"))["changeableAttributes"]["writeEnabled"] is False
    locked = typed(f"docker push {image}", 1)
    assert locked.startswith("unknown: The operation is disallowed on this registry, repository or image.")
    typed(f"docker tag myapp {ACR}/team/app:v2; docker push {ACR}/team/app:v2; {lock} true; docker push {image}")

    assert "Login Succeeded" in typed(PRINCIPAL)
    assert typed(f"docker pull -q {image} > /dev/null && docker push {image}", 1) == VISIT
    assert "Login Succeeded" in typed("az acr login --name myregistry")
    assert "Azure Container Registry: 3 hours have passed" in labkit("expire", "acr", check=0).stdout
    assert typed(f"docker push {image}", 1) == VISIT
    real = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9abc.sig"
    assert "takes no real credential" in typed(f"docker login {ACR} -u 0-0 -p {real}", 1)
    assert "this az is a stand-in of the Registry Lab. It knows:" in labkit("shell", "workstation", "az", "vm").stderr
    typed(f"docker rmi {image} {ACR}/team/app:v2; docker logout {ACR}; {{ az; az --help; }} | grep -c stand-in")


GAR = "europe-west1-docker.pkg.dev"
GAR_LOGIN = f"gcloud auth print-access-token | docker login -u oauth2accesstoken --password-stdin https://{GAR}"
CREATE = "gcloud artifacts repositories create shop --repository-format=docker --location=europe-west1 --immutable-tags"
KEY_LOGIN = f"""
gcloud iam service-accounts keys create key.json --iam-account=ci-robot@my-project.iam.gserviceaccount.com
cat key.json | docker login -u _json_key --password-stdin https://{GAR}
base64 key.json | docker login -u _json_key_base64 --password-stdin https://{GAR}
"""
"""As Google prints them."""


def test_googles_words_are_what_docker_prints(lab):
    """A team's way: no sign-in, no repository, a repository of immutable tags, the helper, a key file, and an hour later."""
    image, old = f"{GAR}/my-project/shop/app:v1", "gcr.io/my-project/app:v1"
    resource = 'on resource "projects/{}/locations/{}/repositories/{}" (or it may not exist)'
    may = '"artifactregistry.repositories.{}Artifacts"'

    def anonymous(action, *where):
        told = "denied: Unauthenticated request. Unauthenticated requests do not have permission"
        return f"{told} {may.format(action)} {resource.format(*where)}"

    typed(f"docker tag myapp {image}; docker tag myapp {old}; docker tag myapp gcr.io/theirs/app:v1")
    assert typed(f"docker push {image}", 1) == anonymous("upload", "my-project", "europe-west1", "shop")
    assert typed(f"docker pull {old}", 1).endswith(anonymous("download", "my-project", "us", "gcr.io"))
    failed = f'Error response from daemon: Get "https://{GAR}/v2/": unauthorized: authentication failed'
    assert typed(f"docker login -u oauth2accesstoken -p wrong https://{GAR}", 1) == failed

    assert "Login Succeeded" in typed(GAR_LOGIN)
    assert typed(f"docker push {image}", 1) == 'name unknown: Repository "shop" not found'
    typed(CREATE)
    two = "name invalid: Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE"
    assert typed(f"docker pull {GAR}/my-project/app:v1", 1).endswith(two)
    pushed = typed(f"docker push {image}")
    fixed = "manifest invalid: cannot update tag v1. The repository has enabled tag immutability"
    assert typed(f"docker push {image}", 1) == fixed
    assert typed(f"docker pull {GAR}/my-project/shop/app:v9", 1).endswith('manifest unknown: Failed to fetch "v9"')
    listed = typed(f"gcloud artifacts docker images list {GAR}/my-project/shop --include-tags")
    digest = pushed.rpartition("digest: ")[2].split()[0]
    assert digest in listed and listed.split()[-1] == "v1"

    assert "Artifact Registry: 60 minutes have passed" in labkit("expire", "artifact", check=0).stdout
    assert typed(f"docker pull {image}", 1).endswith("unauthorized: authentication failed")
    typed(f"docker logout {GAR}; gcloud auth configure-docker {GAR} && gcloud auth configure-docker")
    typed(f"docker pull -q {image} && docker push {old}")
    theirs = f"denied: Permission {may.format('upload')} denied {resource.format('theirs', 'us', 'gcr.io')}"
    assert typed("docker push gcr.io/theirs/app:v1", 1) == theirs

    typed("rm ~/.docker/config.json")
    assert typed("set -e; cd ~" + KEY_LOGIN).count("Login Succeeded") == 2
    typed(f"docker pull -q {image}; cd ~; sed -i 's/no-real-key[^\"]*/-----BEGIN PRIVATE KEY-----\\\\nMIIE/' key.json")
    assert "takes no real credential" in typed(
        f"docker login -u _json_key --password-stdin https://{GAR} < ~/key.json", 1
    )
    told = labkit("shell", "workstation", "gcloud", "run", "deploy").stderr
    assert "this gcloud is a stand-in of the Registry Lab. It knows:" in told
    typed(f"rm ~/key.json; docker rmi {image} {old} gcr.io/theirs/app:v1; docker logout {GAR}")


def test_a_sign_in_on_the_workstation_is_the_workstations_own(lab):
    """There docker speaks to that machine's engine, and keeps its sign-ins in a file of that machine, as the picture shows it."""
    from labkit.lab.looking.observe import observe

    engine = shell(lab, "docker info --format '{{.ID}}'").stdout
    assert typed("docker info --format '{{.ID}}'") == engine != ""
    assert "Login Succeeded" in typed(ACR_LOGIN)
    kept = observe(lab, ["sign_ins"]).sign_ins
    assert kept["workstation"] == {ACR: "00000000-0000-0000-0000-000000000000"}
    assert ACR not in kept.get("", {})
    typed(f"docker tag myapp {ACR}/team/app:v1; docker push -q {ACR}/team/app:v1")
    assert VISIT in refused(lab, f"docker push -q {ACR}/team/app:v1")
    typed(f"docker rmi {ACR}/team/app:v1; docker logout {ACR}")


def test_nexus_words_are_what_docker_prints(lab):
    """The wrong port, a sign-in for each port, a group that takes no pushes, a tag that stays, and the bearer realm."""

    def rest(method, path, body=None, status=204):
        root = "https://nexus.lab:8081/service/rest/v1"
        return api(lab, method, path, body, "admin:admin123", status, root)

    def login(port):
        return f"docker login -u myusername -p mypassword nexus.lab:{port} 2>/dev/null; "

    assert "404" in refused(lab, "docker login -u myusername -p mypassword nexus.lab:8081")
    hosted, group = "nexus.lab:8082/team/app:v1", "nexus.lab:8083/team/app:v1"
    assert shell(lab, login(8082) + f"docker tag myapp {hosted}; docker push {hosted}").returncode == 0
    assert refused(lab, f"docker pull {group}").endswith("no basic auth credentials")
    assert (
        shell(lab, login(8083) + f"docker pull {group} && docker pull nexus.lab:8083/library/busybox").returncode == 0
    )
    pro = (
        "denied: Deploying to groups is a PRO-licensed feature. See https://links.sonatype.com/product-nexus-repository"
    )
    assert refused(lab, f"docker push {group}") == pro
    components = rest("GET", "/components?repository=docker-hosted", status=200)["items"]
    assert [(one["name"], one["version"]) for one in components] == [("team/app", "v1")]
    rest("PUT", "/repositories/docker/hosted/docker-hosted", {"storage": {"writePolicy": "ALLOW_ONCE"}})
    assert refused(lab, f"docker push {hosted}") == "blob upload invalid: blob upload invalid"
    rest("PUT", "/security/realms/active", ["NexusAuthenticatingRealm", "DockerToken"])
    again = hosted.replace("v1", "v2")
    assert shell(lab, login(8082) + f"docker tag myapp {again}; docker push {again}").returncode == 0
    assert refused(lab, login(8083) + f"docker push {group}") == pro
    shell(lab, "docker logout nexus.lab:8082; docker logout nexus.lab:8083")
