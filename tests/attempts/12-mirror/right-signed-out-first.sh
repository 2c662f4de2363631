# expect: all passed
# signed in from another lesson, and signed out when the limit was not met
on workstation <<< 'docker login -u myusername -p mypassword; docker manifest inspect busybox'
on workstation <<< 'docker logout'
limited
proxy; both; pulled
cut_off; again worker2
