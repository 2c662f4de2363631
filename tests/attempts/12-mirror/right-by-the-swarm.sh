# expect: all passed
# Nobody typed a pull on the workers: their tasks needed the image. One machine after the other: the Swarm asks both at once.
limited; proxy; both
for machine in worker2 worker1; do
  create --name waits-$machine --constraint node.hostname==$machine busybox sleep 1000
  wait_for "a task" replicas waits-$machine 1/1
done
cut_off; docker --context worker2 pull busybox
