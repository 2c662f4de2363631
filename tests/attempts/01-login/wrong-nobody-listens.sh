# expect: accepted=login-none kept=blocked
docker login -u myusername -p mypassword localhost:5000
