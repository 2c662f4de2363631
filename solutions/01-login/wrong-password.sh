# expect: accepted=login-wrong-password kept=blocked
docker login -u myusername -p password
