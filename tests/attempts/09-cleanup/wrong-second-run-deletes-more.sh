# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=retention-again-more beside_push=passed pruned=nodes-nothing-pulled
# keeps a quarter of what is there; at the second run too
DELETE="$DELETE"'
[ $(wc -l < all) -gt 20 ] || grep "^v1.9.0 " tags | while read -r _ digest; do curl -s -X DELETE "$api/manifests/$digest"; done'
by_hand; retention; try
