# diagnosis: login-unknown-user
docker login -u myusernam -p mypassword
