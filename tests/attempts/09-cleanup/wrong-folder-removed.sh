# expect: deleted=depot-only-untagged collected=blocked put_back=blocked tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
on depot <<< 'rm -r /var/lib/registry/docker/registry/v2/repositories/shop/_manifests/tags/v1.0.0'
