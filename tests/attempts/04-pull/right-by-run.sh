# expect: all passed
# docker run fetches what is missing
ready
docker --context worker1 run --rm myusername/myapp:v1.0.0 true
