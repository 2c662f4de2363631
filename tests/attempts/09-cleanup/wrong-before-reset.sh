# expect: deleted=depot-not-deleted collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
by_hand; retention; nodes; try
labkit reset 09-cleanup
