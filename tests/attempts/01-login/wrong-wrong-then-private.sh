# expect: accepted=login-wrong-password kept=blocked
docker login -u myusername -p no
docker login -u myusername -p mypassword registry.lab:5000
