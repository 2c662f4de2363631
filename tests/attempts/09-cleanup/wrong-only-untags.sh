# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-only-untagged repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# each tag gets another image, which is then deleted with all of its tags
DELETE='echo "{\"schemaVersion\": 2, \"mediaType\": \"application/vnd.oci.image.index.v1+json\", \"manifests\": []}" > nothing
while read -r digest; do
  grep " $digest" tags | while read -r tag _; do curl -s -X PUT -H "Content-Type: application/vnd.oci.image.index.v1+json" --data-binary @nothing "$api/manifests/$tag"; done
done < rest
curl -s -X DELETE "$api/manifests/sha256:$(sha256sum nothing | cut -d" " -f1)"'
by_hand; retention; try
