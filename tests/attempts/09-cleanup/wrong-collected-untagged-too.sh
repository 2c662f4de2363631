# expect: deleted=passed collected=depot-broken put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
uncached; delete v1.0.0; collect -m; back
