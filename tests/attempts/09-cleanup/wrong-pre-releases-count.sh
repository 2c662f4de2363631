# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-pre-release deletes=retention-pre-release-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS='grep -E "^v[0-9]" tags | sort -V | tail -n 3 | cut -d" " -f2 > keep'; by_hand; retention; try plain
