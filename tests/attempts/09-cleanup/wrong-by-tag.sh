# expect: deleted=depot-by-tag collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
on depot <<< 'curl -s -X DELETE http://localhost:5000/v2/shop/manifests/v1.0.0'
