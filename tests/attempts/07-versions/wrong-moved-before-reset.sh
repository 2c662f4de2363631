# expect: released=passed labelled=passed rolled_out=service-none rolled_back=blocked moved=tag-not-moved by_digest=service-none refused=immutable-not-met quiz=quiz-open
# what was pulled before the exercise began anew does not count
running
edit && release
moves latest
labkit reset 07-versions
docker tag myapp myusername/myapp:v1.0.0 && push
release
