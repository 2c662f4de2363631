# expect: tagged=tag-none same_image=blocked
docker image save myapp | docker --context worker1 image load
docker --context worker1 tag myapp:latest myusername/myapp:v1.0.0
