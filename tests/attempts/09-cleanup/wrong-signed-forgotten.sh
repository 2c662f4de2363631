# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-signed deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
SIGNED=''; by_hand; retention; try plain
