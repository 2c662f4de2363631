# expect: in_hub=push-not-signed-in same_image=blocked is_sample=blocked
docker login -u myusername -p mypassword registry.lab:5000
tag
push
