docker tag myapp:latest myusername/myapp:v1.0.0
