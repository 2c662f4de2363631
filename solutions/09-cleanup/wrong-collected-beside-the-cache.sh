# expect: deleted=passed collected=passed put_back=depot-pushed-broken tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
delete v1.0.0; collect; back
