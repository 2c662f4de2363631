# diagnosis: pull-copied
docker login -u myusername -p mypassword
printf 'FROM busybox\nCOPY index.html /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n' > Dockerfile
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker image save myusername/webapp:v1.0.0 | docker --context worker1 image load
