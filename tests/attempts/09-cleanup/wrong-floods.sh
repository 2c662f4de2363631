# expect: deleted=passed collected=passed put_back=passed tried=retention-floods keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
END='yes'; by_hand; retention; try plain
