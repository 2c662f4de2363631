# expect: all passed
for one in v1.0.0 v1.0 v1 latest; do docker tag myapp:latest myusername/myapp:$one; done
