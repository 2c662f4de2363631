# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-latest repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS="$VERSIONS"'
grep "^latest " tags | cut -d" " -f2 >> keep'; by_hand; retention; try
