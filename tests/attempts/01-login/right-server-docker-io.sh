# expect: all passed
docker login -u myusername -p mypassword docker.io
