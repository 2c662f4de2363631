# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-version deletes=retention-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# Takes the order of the list for that of the versions.
VERSIONS='grep -E "^v[0-9]+\\.[0-9]+\\.[0-9]+ " tags | tail -n 3 | cut -d" " -f2 > keep'
by_hand; retention; try
