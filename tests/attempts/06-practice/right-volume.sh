# expect: all passed
# a volume begins with what the image has there
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
VOLUME /www
CMD ["httpd","-f","-p","8080","-h","/www"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
