# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-ends-early deletes=retention-ends-early repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
NAMES='false'; by_hand; retention; try plain
