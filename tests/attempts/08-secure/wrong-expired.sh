# expect: trusted=own-expired closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-anonymous harmless=robot-not-tried guarded=guard-untried
# And a public project: the robot was not needed.
certificate -not_before 20200101000000Z -not_after 20210101000000Z; registry $TLS $AUTH; trust workstation worker1 worker2
project ', "metadata": {"public": "true"}'; build; keys; sign
CREATE='docker --config nobody service create --detach --name shop --replicas 3 "$image"'
script; deploy
