# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-not-in-image quiz=passed reflection=passed
login
cat > Dockerfile <<'END'
FROM busybox
CMD mkdir -p /www && echo hello > /www/index.html && exec httpd -f -p 8080 -h /www
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
