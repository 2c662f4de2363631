# expect: released=push-other-tag labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-open
running
edit
docker build -t myusername/myapp . && docker push myusername/myapp
roll --image myusername/myapp
