# expect: deleted=depot-too-much collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# Asked by the tag first, then with the digest of another tag. v1.0.0 is still there.
on depot <<< 'curl -s -X DELETE http://localhost:5000/v2/shop/manifests/v1.0.0'
delete v1.3.0
