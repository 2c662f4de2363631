# expect: released=passed labelled=passed rolled_out=service-latest rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
# the same image, under the name that says nothing
running
edit && release
docker tag myusername/myapp:v1.1.0 myusername/myapp && docker push myusername/myapp
roll --image myusername/myapp:latest
