# expect: all passed
# a refused login does not take the earlier one away
login
docker login -u myusername -p nonsense
