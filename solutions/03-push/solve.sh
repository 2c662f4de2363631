docker push myusername/myapp:v1.0.0
