# expect: released=push-other-image labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-open
# the new app under both versions: the first one is gone
running
edit
docker build -t myusername/myapp:v1.0.0 . && docker push myusername/myapp:v1.0.0
release
roll --image myusername/myapp:v1.1.0
