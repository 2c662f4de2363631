# expect: deleted=passed collected=passed put_back=passed tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
by_hand; on depot <<< 'echo exit > /srv/retention.sh; chmod +x /srv/retention.sh'; try plain
