# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-indexes repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# a registry tells an index only to those who ask for one
DELETE='while read -r digest; do
  curl -s --fail -o nothing --head -H "Accept: application/vnd.oci.image.manifest.v1+json" "$api/manifests/$digest" &&
    curl -s -X DELETE "$api/manifests/$digest" || true
done < rest'
by_hand; retention; try
