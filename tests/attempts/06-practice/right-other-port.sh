# expect: all passed
login
cat > Dockerfile <<'END'
FROM busybox
COPY index.html /www/index.html
EXPOSE 80
CMD ["httpd","-f","-p","80","-h","/www"]
END
docker build -t myusername/webapp:v1.0.0 .
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
create --name webapp --replicas 3 myusername/webapp:v1.0.0
answers
