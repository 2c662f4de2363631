# diagnosis: service-container
docker run --detach --name myapp myusername/myapp:v1.0.0
