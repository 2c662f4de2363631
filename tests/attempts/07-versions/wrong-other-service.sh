# expect: released=passed labelled=passed rolled_out=service-other-name rolled_back=blocked moved=tag-not-moved by_digest=service-other-name refused=immutable-not-met quiz=quiz-open
# another service gets the new version
ready
create --name web --replicas 3 myusername/myapp:v1.0.0
edit && release
