# expect: all passed
# one job does everything
gitlab
