# expect: all passed
docker --context worker1 login -u myusername -p mypassword
