# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-all-gone deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
REST='cp all rest'; by_hand; retention; try plain
