# expect: deleted=depot-part-missing collected=blocked put_back=blocked tried=depot-part-missing keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
on depot <<< "pkill python3"
wait_for "the machine has ended" sh -c '! labkit shell depot true'
