# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=retention-again-more beside_push=retention-took-tags pruned=nodes-nothing-pulled
# puts back what it had noted for each tag
DELETE="$DELETE"'
curl -s -H "Accept: $kinds" "$api/manifests/$(tail -n 1 kept)" > body
curl -s -X PUT -H "Content-Type: application/vnd.oci.image.manifest.v1+json" --data-binary @body "$api/manifests/candidate"
curl -s -X PUT -H "Content-Type: application/vnd.oci.image.manifest.v1+json" --data-binary @body "$api/manifests/v13.0.0"'
by_hand; retention; try
