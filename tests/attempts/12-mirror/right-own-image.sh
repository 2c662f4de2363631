# expect: all passed
ready
limited; proxy; both
pulled myusername/myapp:v1.0.0
cut_off; again worker1 myusername/myapp:v1.0.0
