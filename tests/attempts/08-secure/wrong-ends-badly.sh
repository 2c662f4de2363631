# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-gone harmless=robot-not-tried guarded=guard-signed-fails
# It deploys, and ends with an error all the same. And the robot was taken away after its first pull.
CREATE="$CREATE; false" UPDATE="$UPDATE; false"
released; robot; script
tools <<< "sh deploy.sh $SHOP:$TAG || true"
wait_for 'the shop' replicas shop '[1-3]/3'
tried unsigned other-key
tools <<< 'curl -sS -u myusername:mypassword -X DELETE https://harbor.lab/api/v2.0/robots/$(jq .id robot.json)'
