# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-sample quiz=passed reflection=passed
# an image of one's own, with somebody else's page
login
cat > Dockerfile <<'END'
FROM myapp
LABEL mine=yes
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
