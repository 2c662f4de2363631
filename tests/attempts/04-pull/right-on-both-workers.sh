# expect: all passed
ready
for one in worker1 worker2; do docker --context $one pull myusername/myapp:v1.0.0; done
