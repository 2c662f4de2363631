docker login -u myusername -p mypassword
printf "FROM busybox\n${LAB_SECRET:+LABEL lab.secret=$LAB_SECRET\n}" > Dockerfile
printf 'COPY index.html /www/index.html\nCMD ["httpd", "-f", "-p", "8080", "-h", "/www"]\n' >> Dockerfile
docker build -t webapp .
docker tag webapp myusername/webapp:v1.0.0
docker push myusername/webapp:v1.0.0
docker --context worker1 pull myusername/webapp:v1.0.0
docker service inspect webapp >/dev/null 2>&1 || docker service create --detach --name webapp --replicas 3 myusername/webapp:v1.0.0
labkit answer 06-practice ci=b version=c automation=a reflection="A registry lets my colleagues and our machines fetch \
exactly the image that the pipeline has tested, by its name and version, so that nobody has to carry files around."
