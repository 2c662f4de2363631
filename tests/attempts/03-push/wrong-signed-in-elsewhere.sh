# expect: in-hub=push-not-signed-in same-image=blocked is-sample=blocked
docker login -u myusername -p mypassword registry.lab:5000
tag
push
