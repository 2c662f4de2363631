# expect: all passed
on workstation <<'END'
echo mypassword | docker login -u myusername --password-stdin
END
