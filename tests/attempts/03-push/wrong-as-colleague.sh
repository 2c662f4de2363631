# expect: in-hub=push-other-namespace same-image=blocked is-sample=blocked
# signed in as somebody else than the name says
docker login -u colleague -p theirpassword
tag
push
