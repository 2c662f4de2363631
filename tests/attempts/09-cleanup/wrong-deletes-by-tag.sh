# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-by-tag deletes=retention-by-tag repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
DELETE='while read -r digest; do grep " $digest" tags | while read -r tag _; do curl -s -X DELETE "$api/manifests/$tag"; done; done < rest'
by_hand; retention; try plain
