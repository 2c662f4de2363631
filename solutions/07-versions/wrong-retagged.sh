# expect: released=version-same-image labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-open
# a new name for the old image
running
docker tag myusername/myapp:v1.0.0 myusername/myapp:v1.1.0
docker push myusername/myapp:v1.1.0
roll --image myusername/myapp:v1.1.0
