# expect: limit_met=passed limit_read=passed is_cache=mirror-plain is_used=blocked from_mirror=mirror-bypassed second_from_mirror=blocked without_hub=blocked
limited
on mirror <<< "printf 'proxy:\n  remoteurl: https://registry-1.docker.io\n' >> /etc/docker/registry/config.yml"
both; pulled
