# expect: accepted=passed kept=login-lost
login
rm $DOCKER_CONFIG/config.json
