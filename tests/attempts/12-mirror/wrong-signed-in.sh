# expect: limit_met=limit-signed-in limit_read=limit-not-read is_cache=mirror-plain is_used=blocked from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
# the workstation still has a sign-in, from another lesson: the account's limit is larger
on workstation <<< 'docker login -u myusername -p mypassword'
labkit limit hub --pulls 2
on workstation <<< 'for _ in 1 2 3; do docker manifest inspect busybox; done'
