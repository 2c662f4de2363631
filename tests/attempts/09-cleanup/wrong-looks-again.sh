# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=passed beside_push=retention-late-look pruned=nodes-nothing-pulled
DELETE='while read -r digest; do grep " $digest" tags | while read -r tag _; do skopeo delete --tls-verify=false "$image:$tag" || true; done; done < rest'
by_hand; retention; try
