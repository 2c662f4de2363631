# diagnosis: push-none
docker login -u myusername -p mypassword
printf 'FROM busybox\nCOPY index.html /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n' > Dockerfile
docker build -t myusername/webapp:v1.0.0 .
