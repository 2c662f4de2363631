# expect: accepted=login-other-registry kept=blocked
docker login -u myusername -p mypassword registry.lab:5000
