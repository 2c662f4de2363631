# expect: all passed
docker login -u myusername -p mypassword https://index.docker.io/v1/
