# expect: deleted=passed collected=passed put_back=depot-down tried=retention-no-script keeps=blocked deletes=blocked repeatable=blocked beside_push=blocked pruned=nodes-nothing-pulled
# One of the two lines is taken out, so the registry can't read its configuration.
delete v1.0.0; collect; back
on depot <<'END'
sed -i '/cache:/d' /etc/docker/registry/config.yml
pkill -x docker-registry
while pidof docker-registry > /dev/null; do sleep 0.1; done
END
