# expect: built=passed tagged=passed pushed=passed pulled_elsewhere=passed deployed=page-none quiz=passed reflection=passed
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
CMD [ "$(hostname)" = one-1 ] && exec httpd -f -p 8080 -h /www; exec sleep 1000
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 --hostname 'one-{{.Task.Slot}}' myusername/webapp:v1.0.0
answers
