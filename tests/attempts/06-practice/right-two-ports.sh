# expect: all passed
# one of them has no page; and something is written beside the page
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
CMD httpd -p 8000 -h /srv; touch /www/started; httpd -f -p 8080 -h /www
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
