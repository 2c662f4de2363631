# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-signature deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
SIGNATURES=''; by_hand; retention; try plain
