# expect: released=passed labelled=passed rolled_out=version-not-out rolled_back=blocked moved=tag-moved-unseen by_digest=digest-not-deployed refused=immutable-not-met quiz=quiz-open
# asked for the tag twice, and pulled nothing
running
edit && release
for version in v1.0.0 v1.1.0; do
  docker tag myusername/myapp:$version myusername/myapp:latest && docker push myusername/myapp:latest
  docker manifest inspect myusername/myapp:latest
done
