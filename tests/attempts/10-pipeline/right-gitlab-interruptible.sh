# expect: all passed
# a later push cancels what goes on
JOB='  interruptible: true'
gitlab
