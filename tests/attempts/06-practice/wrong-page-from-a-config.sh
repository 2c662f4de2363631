# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-not-in-image quiz=passed reflection=passed
login
cat > Dockerfile <<'END'
FROM busybox
RUN mkdir /www
CMD ["httpd","-f","-p","8080","-h","/www"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
echo hello | docker config create page -
create --name webapp --replicas 3 --config source=page,target=/www/index.html myusername/webapp:v1.0.0
answers
