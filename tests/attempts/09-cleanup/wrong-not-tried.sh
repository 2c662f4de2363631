# expect: deleted=passed collected=passed put_back=passed tried=retention-untried keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
by_hand; retention
