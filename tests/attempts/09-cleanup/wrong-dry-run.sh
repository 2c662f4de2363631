# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=retention-deletes-nothing deletes=retention-deletes-nothing repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
DELETE='sed "s/^/would delete /" rest'; by_hand; retention; try plain
