# expect: released=passed labelled=passed rolled_out=page-sample rolled_back=blocked moved=tag-not-moved by_digest=digest-behind-a-tag refused=immutable-not-met quiz=quiz-open
# a new version of which nobody sees anything new
running
sed -i 's/v1.0.0/v1.1.0/' Dockerfile
release
roll --image myusername/myapp:v1.1.0
