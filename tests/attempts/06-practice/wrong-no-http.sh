# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-none quiz=passed reflection=passed
# something listens that speaks no HTTP
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
CMD while true; do nc -l -p 8080 < /www/index.html; done
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
