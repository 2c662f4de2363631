# expect: pulled=pull-other-tag present=blocked
ready
docker tag myapp myusername/myapp
docker push myusername/myapp
docker pull myusername/myapp
