# expect: all passed
ready
docker pull myusername/myapp:v1.0.0
labkit reset 04-pull
docker pull myusername/myapp:v1.0.0
