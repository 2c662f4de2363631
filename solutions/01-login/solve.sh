docker login -u myusername -p mypassword
