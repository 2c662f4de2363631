# expect: deleted=passed collected=depot-not-collected put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
delete v1.0.0; collect --dry-run; back
