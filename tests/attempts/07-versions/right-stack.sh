# expect: all passed
# a stack's file that is changed and deployed again and again
ready
deploy() {
  printf 'version: "3.8"\nservices:\n  myapp:\n    image: %s\n    deploy:\n      replicas: 3\n      update_config: {parallelism: 3, monitor: 100ms}\n' "$1" > stack.yml
  docker stack deploy --compose-file stack.yml shop
}
deployed() { docker service inspect shop_myapp --format '{{.UpdateStatus.State}}' | grep -q '^completed'; }
deploy myusername/myapp:v1.0.0
wait_for running replicas shop_myapp 3/3
edit && release
for image in myusername/myapp:v1.1.0 myusername/myapp:v1.0.0 "$(digest v1.1.0)"; do
  deploy "$image"
  wait_for updated deployed
done
moves latest
held
answers07
