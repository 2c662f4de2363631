# expect: trusted=passed closed=passed kept=kept-nowhere carried=own-not-pulled clean=passed signed=sign-no-key robot=robot-no-pull harmless=robot-not-tried guarded=blocked
# And without the public key, and a service whose nodes got no sign-in.
certificate; registry $TLS $AUTH; trust workstation worker1 worker2
released
tools <<< "rm cosign.pub; docker service create --detach --name shop --constraint node.role==worker --restart-condition none $SHOP:$TAG"
wait_for 'a refusal' task_says shop 'no such image\|denied\|unauthorized\|not found'
