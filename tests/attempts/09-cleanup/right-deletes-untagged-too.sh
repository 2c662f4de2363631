# expect: all passed
# what was overwritten is found in the folder and deleted as well
by_hand
on depot <<'END'
cd /var/lib/registry/docker/registry/v2/repositories/shop/_manifests
for tag in tags/*; do sed 's/sha256://' "$tag/current/link"; echo; done | sort -u > /tmp/tagged
digest=$(skopeo inspect --raw --tls-verify=false docker://localhost:5000/shop:v1.3.0 | jq -r '.manifests[].digest' | sed 's/sha256://')
for found in $(ls revisions/sha256); do
  grep -q "$found" /tmp/tagged || echo "$digest" | grep -q "$found" || curl -s -X DELETE "http://localhost:5000/v2/shop/manifests/sha256:$found"
done
END
collect; retention; nodes; try
