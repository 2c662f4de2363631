# expect: deleted=depot-only-untagged collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# the tag is taken away in the folder, and what is deleted by its digest is another image: v1.1.0 as it was pushed first
on depot <<'END'
cd /var/lib/registry/docker/registry/v2/repositories/shop/_manifests
rm -r tags/v1.0.0
{ for tag in tags/*; do sed 's/sha256://' "$tag/current/link"; echo; done
  skopeo inspect --raw --tls-verify=false docker://localhost:5000/shop:v1.3.0 | jq -r '.manifests[].digest' | sed 's/sha256://'; } > /tmp/needed
for found in $(ls revisions/sha256); do
  grep -q "$found" /tmp/needed || curl -s -X DELETE "http://localhost:5000/v2/shop/manifests/sha256:$found"
done
docker-registry garbage-collect /etc/docker/registry/config.yml > /dev/null
END
