# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-none quiz=passed reflection=passed
# nothing in it but a process that stays
login
cat > Dockerfile <<'END'
FROM busybox
CMD ["sleep","1000"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
