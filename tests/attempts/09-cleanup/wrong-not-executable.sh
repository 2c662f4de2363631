# expect: deleted=passed collected=passed put_back=passed tried=retention-not-runnable keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
by_hand
retention; on depot <<< 'chmod 644 /srv/retention'; try plain
