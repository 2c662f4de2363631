# The cleanup by hand, one word a step; then a retention script in parts, of which an attempt changes one.
by_hand() { # the same as: uncached; delete v1.0.0; collect; back
  on depot <<'END'
sed -i '/cache:/d; /blobdescriptor:/d' /etc/docker/registry/config.yml
pkill -x docker-registry
while pidof docker-registry > /dev/null; do sleep 0.1; done
until curl -sf http://localhost:5000/v2/ > /dev/null; do sleep 0.1; done
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5000/shop:v1.0.0)
curl -s -X DELETE "http://localhost:5000/v2/shop/manifests/$digest"
docker-registry garbage-collect /etc/docker/registry/config.yml | tail -n 1
skopeo copy --dest-tls-verify=false oci-archive:/srv/demo.tar docker://localhost:5000/shop:demo
END
}
uncached() { # the registry without its cache, started again
  on depot <<'END'
sed -i '/cache:/d; /blobdescriptor:/d' /etc/docker/registry/config.yml
END
  restarted
}
restarted() {
  on depot <<'END'
pkill -x docker-registry
while pidof docker-registry > /dev/null; do sleep 0.1; done
until curl -sf http://localhost:5000/v2/ > /dev/null; do sleep 0.1; done
END
}
delete() { # delete TAG: the digest that it leads to
  on depot <<END
digest=\$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5000/shop:$1)
[ -z "\$digest" ] || curl -s -X DELETE "http://localhost:5000/v2/shop/manifests/\$digest"
END
}
collect() { on depot <<< "docker-registry garbage-collect $* /etc/docker/registry/config.yml | tail -n 1"; }
back() { on depot <<< "skopeo copy --dest-tls-verify=false oci-archive:${1:-/srv/demo.tar} docker://localhost:5000/shop:${2:-demo}"; }
nodes() { # what exercise 9 asks of worker1
  used
  docker --context worker1 image prune -a --force
}
used() {
  login && changed myusername/old:v1.0.0 && docker push -q myusername/old:v1.0.0
  docker --context worker1 pull -q myusername/old:v1.0.0
  docker --context worker1 run -d --name keeper busybox sleep infinity
}
written() { # written [MODE]: what comes in becomes /srv/retention
  { echo "cat > /srv/retention <<'RETENTION'"; cat; echo RETENTION; echo "chmod ${1:-755} /srv/retention"; } | on depot
}
try() { labkit check 09-cleanup "${@/#/--try=}" > /dev/null; } # try [REGISTRY …]: has the script tried

SHEBANG='#!/bin/sh'
KINDS='kinds="application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"'
HEAD='set -eu
api=http://$1/v2/$2 deployed=$3 image=docker://$1/$2
cd "$(mktemp -d)"'
NAMES='skopeo list-tags --tls-verify=false "$image" | jq -r ".Tags[]" > names'
DIGESTS='sed "s|^|$api/manifests/|" names | xargs curl -s --head -H "Accept: $kinds" | tr -d "\r" > headers
awk "tolower(\$1) == \"docker-content-digest:\" {found = \$2} /^\$/ {print found; found = \"\"}" headers | paste -d" " names - > tags
cut -d" " -f2 tags | sort -u > all'
VERSIONS='grep -E "^v[0-9]+\.[0-9]+\.[0-9]+ " tags | sort -V | tail -n 3 | cut -d" " -f2 > keep'
DEPLOYED='cat "$deployed" >> keep'
SIGNED='sed -nE "s/^sha256-([0-9a-f]{64})\.sig .*/sha256:\1/p" tags | grep -Fxf all >> keep || true'
PARTS='grep -Fxf all keep | sort -u > kept || true
sed "s|^|$api/manifests/|" kept | xargs curl -s -H "Accept: $kinds" | jq -r ".manifests[]?.digest" >> keep'
SIGNATURES='sed -nE "s/^sha256-([0-9a-f]{64})\.sig (.*)/sha256:\1 \2/p" tags | while read -r image signature; do
  if grep -qx "$image" keep; then echo "$signature" >> keep; fi
done'
REST='grep -vFxf keep all > rest || true'
DELETE='sed "s|^|$api/manifests/|" rest | xargs -r curl -s --fail -X DELETE'
END=''
retention() { printf '%s\n' "$SHEBANG" "$HEAD" "$KINDS" "$NAMES" "$DIGESTS" "$VERSIONS" "$DEPLOYED" "$SIGNED" "$PARTS" "$SIGNATURES" "$REST" "$DELETE" "$END" | written; }
PYTHON_HEAD='#!/usr/bin/env python3
import json, re, sys, urllib.request
from pathlib import Path
API, DEPLOYED = f"http://{sys.argv[1]}/v2/{sys.argv[2]}", Path(sys.argv[3]).read_text().split()
KINDS = ", ".join(f"application/vnd.{kind}+json" for kind in ("oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.list.v2", "docker.distribution.manifest.v2"))
def ask(path, method="GET"):
    return urllib.request.urlopen(urllib.request.Request(path if path.startswith("http") else API + path, headers={"Accept": KINDS}, method=method))
def names():
    path = "/tags/list"
    while path:
        with ask(path) as answer:
            yield from json.load(answer)["tags"] or []
            more = re.search("<.*/tags/list(.*)>", answer.headers.get("Link") or "")
        path = "/tags/list" + more[1] if more else ""'
