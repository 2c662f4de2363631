# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-deployed deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
DEPLOYED=''; by_hand; retention; try plain
