# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-part deletes=retention-untried repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
PARTS=''; by_hand; retention; try indexes
