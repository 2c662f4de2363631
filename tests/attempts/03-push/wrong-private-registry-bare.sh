# expect: in_hub=push-other-registry same_image=blocked is_sample=blocked
docker login -u myusername -p mypassword registry.lab:5000
docker tag myapp registry.lab:5000/myapp:v1.0.0
docker push registry.lab:5000/myapp:v1.0.0
