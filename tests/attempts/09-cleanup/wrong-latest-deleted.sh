# expect: deleted=depot-too-much collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
delete v1.0.0; delete latest
