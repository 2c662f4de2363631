labkit shell depot <<'END'
sed -i '/cache:/d; /blobdescriptor:/d' /etc/docker/registry/config.yml
pkill -x docker-registry # it is started again, and reads its configuration then
while pidof docker-registry > /dev/null; do sleep 0.1; done
until curl -sf http://localhost:5000/v2/; do sleep 0.1; done
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://localhost:5000/shop:v1.0.0) &&
  curl -s -X DELETE "http://localhost:5000/v2/shop/manifests/$digest"
du -sh /var/lib/registry
docker-registry garbage-collect /etc/docker/registry/config.yml | tail -n 3
du -sh /var/lib/registry
skopeo copy --dest-tls-verify=false oci-archive:/srv/demo.tar docker://localhost:5000/shop:demo
cat > /srv/retention <<'RETENTION'
#!/bin/sh
# retention REGISTRY REPOSITORY DEPLOYED: keeps the last three versions, what is deployed and what is signed; deletes the rest
set -eu
api=http://$1/v2/$2 deployed=$3
kinds='application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'
kinds="$kinds, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"
cd "$(mktemp -d)"

# Each tag with its digest, before anything is deleted.
skopeo list-tags --tls-verify=false "docker://$1/$2" | jq -r '.Tags[]' > names
sed "s|^|$api/manifests/|" names | xargs curl -s --head -H "Accept: $kinds" | tr -d '\r' > headers
awk 'tolower($1) == "docker-content-digest:" {digest = $2} /^$/ {print digest; digest = ""}' headers | paste -d' ' names - > tags
cut -d' ' -f2 tags | sort -u > all

{ # the last three versions, what is deployed, what is signed
  grep -E '^v[0-9]+\.[0-9]+\.[0-9]+ ' tags | sort -V | tail -n 3 | cut -d' ' -f2
  cat "$deployed"
  sed -nE 's/^sha256-([0-9a-f]{64})\.sig .*/sha256:\1/p' tags | grep -Fxf all || true
} > keep
[ -s keep ] # an empty list would delete everything

# The parts of indexes, and the signatures of what is kept.
grep -Fxf all keep | sort -u > kept
sed "s|^|$api/manifests/|" kept | xargs curl -s -H "Accept: $kinds" | jq -r '.manifests[]?.digest' >> keep
sed -nE 's/^sha256-([0-9a-f]{64})\.sig (.*)/sha256:\1 \2/p' tags > signatures
while read -r image signature; do
  if grep -qx "$image" keep; then echo "$signature" >> keep; fi
done < signatures

grep -vFxf keep all > rest || true
sed "s|^|$api/manifests/|" rest | xargs -r curl -s --fail -X DELETE
RETENTION
chmod +x /srv/retention
END
docker login -u myusername -p mypassword
printf 'FROM myapp\nRUN echo old > /www/old\n' | docker build -t myusername/old:v1.0.0 -
docker push myusername/old:v1.0.0
docker --context worker1 pull myusername/old:v1.0.0
docker --context worker1 rm -f keeper
docker --context worker1 run -d --name keeper busybox sleep infinity
docker --context worker1 image prune -a --force
labkit check 09-cleanup
