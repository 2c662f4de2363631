# expect: all passed
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
CMD ["httpd","-f","-p","8080","-h","/www"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
docker network create --driver overlay inner
create --endpoint-mode dnsrr --name webapp --replicas 3 --network inner myusername/webapp:v1.0.0
answers
