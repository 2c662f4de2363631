# expect: trusted=own-silent closed=blocked kept=blocked carried=blocked clean=shop-other-tag signed=blocked robot=robot-elsewhere harmless=robot-not-tried guarded=blocked
# And the shop under another tag, and a service from elsewhere.
certificate; registry $TLS $AUTH; trust workstation worker1 worker2; sign_in
tools <<< "docker tag myapp $HOST/myapp && docker push -q $HOST/myapp && docker stop -t 1 registry"
project; TAG=latest build; keys
tools <<< 'docker service create --detach --name shop busybox sleep 1000'
