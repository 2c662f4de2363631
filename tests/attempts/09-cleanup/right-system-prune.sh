# expect: all passed
by_hand; retention; used
docker --context worker1 system prune --all --force; try
