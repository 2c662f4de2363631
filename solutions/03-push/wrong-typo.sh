# expect: in-hub=push-typo same-image=blocked is-sample=blocked
login
docker tag myapp myusername/my-app:v1.0.0
docker push myusername/my-app:v1.0.0
