# expect: all passed
docker login -u myusername -p mypassword index.docker.io
