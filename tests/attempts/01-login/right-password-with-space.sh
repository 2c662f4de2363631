# expect: all passed
# docker trims the space away
docker login -u myusername -p 'mypassword '
