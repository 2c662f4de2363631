# expect: released=version-same-image labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-open
running
echo 'FROM myapp' | docker build -t myusername/myapp:v1.1.0 -
docker push myusername/myapp:v1.1.0
