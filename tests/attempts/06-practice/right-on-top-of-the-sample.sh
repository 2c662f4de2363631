# expect: all passed
# the sample as the base of an image of one's own
login
printf 'FROM myapp\nCOPY index.html /www/index.html\n' > Dockerfile
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
