# expect: deleted=passed collected=passed put_back=depot-other-image tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
uncached; delete v1.0.0; collect
on depot <<< 'skopeo copy --src-tls-verify=false --dest-tls-verify=false docker://localhost:5000/shop:v1.1.0 docker://localhost:5000/shop:demo'
