# expect: limit_met=limit-not-met limit_read=limit-not-read is_cache=mirror-plain is_used=blocked from_mirror=mirror-no-pull second_from_mirror=blocked without_hub=blocked
# without a token Docker Hub says where to get one, and nothing of a limit
on workstation <<< 'curl -s --head https://registry-1.docker.io/v2/ratelimitpreview/test/manifests/latest'
