# expect: all passed
echo mypassword | docker login -u myusername --password-stdin
