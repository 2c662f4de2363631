# expect: all passed
# Nobody typed a pull on the workers: their tasks needed the image.
limited; proxy; both
create --name waits --mode global --constraint node.role==worker busybox sleep 1000
wait_for "two tasks" replicas waits 2/2
cut_off; docker --context worker2 pull busybox
