# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-other quiz=passed reflection=passed
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
RUN mkdir /srv
CMD ["httpd","-f","-p","8080","-h","/srv"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
