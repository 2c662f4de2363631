# Words that every attempt (wrong-*.sh here, and tests/attempts) may use; each is what a learner types. SLUG/prelude.sh has those of one exercise.
login() { docker login -u myusername -p mypassword; }
tag() { docker tag myapp:latest myusername/myapp:v1.0.0; }
push() { docker push myusername/myapp:v1.0.0; }
ready() { login && tag && push; }                       # exercises 01 to 03, done
on() { labkit shell "$1"; }                             # what is typed on that machine itself: on worker1 <<'END' … END
create() { docker service create --detach "$@"; }
webapp() { # a Dockerfile for the practice, with the mark of a personal lab; its argument is one more line
  printf 'FROM busybox\n%s\nCOPY index.html /www/index.html\n%s\nCMD ["httpd","-f","-p","8080","-h","/www"]\n' \
    "${LAB_SECRET:+LABEL lab.secret=$LAB_SECRET}" "${1:-}" > Dockerfile
}
built() { login && webapp && docker build -t myusername/webapp:v1.0.0 .; }
answers() { labkit answer 06-practice ci=b version=c automation=a reflection="$reflection"; }
reflection="A registry lets colleagues and machines fetch exactly the image that was tested, by its name, so nobody carries files around."
changed() { printf 'FROM myapp\nRUN echo changed > /changed\n' | docker build -t "$1" -; }
wait_for() { # wait_for WHAT COMMAND…: until the command succeeds, for 60 seconds at most
  local what=$1 end=$((SECONDS + 60)); shift
  until "$@" > /dev/null 2>&1; do [ $SECONDS -lt $end ] || { echo "never: $what" >&2; exit 1; }; sleep 0.1; done
}
replicas() { docker service ls --filter "name=$1" --format '{{.Replicas}}' | grep -q "^$2"; }
task_says() { docker service ps --no-trunc "$1" --format '{{.CurrentState}} {{.Error}}' | grep -qi "$2"; }
updated() { docker service inspect "$1" --format '{{.UpdateStatus.State}}' | grep -q "$2"; }
asks() { # asks MACHINE NAME TAG-OR-DIGEST [config]: asks Docker Hub for a manifest, and signed in for its config, as if docker did
  on "$1" <<END
python3 - '$2' '$3' '${4:-}' <<'PYTHON'
import base64, json, sys, urllib.request
name, reference, config = sys.argv[1:]
AGENT = "docker/26.1.5+dfsg1 go/go1.24 git-commit/411e817 os/linux arch/amd64 UpstreamClient(Docker-Client/26.1.5 (linux))"
realm = "https://auth.docker.io/token?service=registry.docker.io&scope=repository:" + name + ":pull"
signed_in = {"Authorization": "Basic " + base64.b64encode(b"myusername:mypassword").decode()} if config else {}
token = json.load(urllib.request.urlopen(urllib.request.Request(realm, headers=signed_in)))["token"]
def get(path):
    kinds = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
    headers = {"User-Agent": AGENT, "Authorization": "Bearer " + token, "Accept": kinds}
    url = "https://registry-1.docker.io/v2/" + name + "/" + path
    return json.load(urllib.request.urlopen(urllib.request.Request(url, headers=headers)))
manifest = get("manifests/" + reference)
if config:
    get("blobs/" + manifest["config"]["digest"])
PYTHON
END
}
owner() { docker --host "$LABKIT_ENGINE" exec "$LABKIT_LAB-$1" "${@:2}"; } # owner MACHINE COMMAND…: by the owner's hand, past the lab
