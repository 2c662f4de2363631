# expect: deleted=passed collected=passed put_back=passed tried=retention-hangs keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
END='sleep infinity'; by_hand; retention; try plain
