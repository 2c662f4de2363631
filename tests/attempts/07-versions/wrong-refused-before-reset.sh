# expect: released=passed labelled=passed rolled_out=service-none rolled_back=blocked moved=tag-not-moved by_digest=service-none refused=immutable-not-met quiz=quiz-open
running
edit && release
held
labkit reset 07-versions
docker tag myapp myusername/myapp:v1.0.0 && push
docker build -t myusername/myapp:v1.1.0 . && docker push myusername/myapp:v1.1.0
