# diagnosis: login-lost
docker login -u myusername -p mypassword
docker logout
