# expect: all passed
# BuildKit, on the workstation itself
login
webapp
on workstation <<'END'
mkdir -p /tmp/webapp && cd /tmp/webapp
echo hello > index.html
printf 'FROM busybox\nCOPY index.html /www/index.html\nCMD ["httpd","-f","-p","8080","-h","/www"]\n' > Dockerfile
docker buildx build -t myusername/webapp:v1.0.0 .
END
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
