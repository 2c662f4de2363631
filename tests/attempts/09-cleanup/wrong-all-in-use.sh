# expect: deleted=passed collected=passed put_back=passed tried=passed keeps=passed deletes=passed repeatable=passed beside_push=passed pruned=nodes-none-gone
by_hand; retention; try
docker --context worker1 run -d --name keeper busybox sleep infinity; docker --context worker1 image prune -a --force
