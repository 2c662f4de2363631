# diagnosis: login-other-registry
docker login -u myusername -p mypassword registry.lab:5000
