# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-first-page repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
NAMES='curl -s "$api/tags/list?n=1000" | jq -r ".tags[]" > names'; by_hand; retention; try
