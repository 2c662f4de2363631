# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=passed beside_push=passed pruned=nodes-all-gone
by_hand; retention; try
used; docker --context worker1 rm -f keeper; docker --context worker1 image prune -a --force
