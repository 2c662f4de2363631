# expect: all passed
ready
for one in v1 latest v2; do docker tag myapp myusername/myapp:$one; docker push myusername/myapp:$one; done
