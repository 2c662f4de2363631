# diagnosis: login-wrong-password
docker login -u myusername -p wrongpassword
