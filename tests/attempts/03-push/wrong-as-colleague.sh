# expect: in_hub=push-other-namespace same_image=blocked is_sample=blocked
# signed in as somebody else than the name says
docker login -u colleague -p theirpassword
tag
push
