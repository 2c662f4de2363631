# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=retention-left repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
VERSIONS='grep "^v" tags | cut -d" " -f2 > keep'; by_hand; retention; try
