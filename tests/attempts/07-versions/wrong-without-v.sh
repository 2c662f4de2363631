# expect: released=push-other-tag labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-open
running
edit
docker build -t myusername/myapp:1.1.0 . && docker push myusername/myapp:1.1.0
roll --image myusername/myapp:1.1.0
