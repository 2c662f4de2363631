# expect: all passed
docker login -u myusername -p mypassword registry.lab:5000
login
