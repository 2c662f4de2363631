# expect: accepted=passed kept=login-lost
# with another configuration folder
mkdir elsewhere && cp -r $DOCKER_CONFIG/contexts elsewhere
DOCKER_CONFIG=$PWD/elsewhere docker --context workstation login -u myusername -p mypassword
