# expect: deleted=passed collected=passed put_back=depot-not-back tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
uncached; delete v1.0.0; collect; back /srv/demo.tar v1.0.1
