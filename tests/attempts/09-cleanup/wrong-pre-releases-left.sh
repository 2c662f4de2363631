# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-pre-release-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS="$VERSIONS"'
grep -E "^v[0-9.]*-(rc|beta|alpha)" tags | cut -d" " -f2 >> keep'; by_hand; retention; try
