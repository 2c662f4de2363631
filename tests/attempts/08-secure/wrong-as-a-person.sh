# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-person harmless=robot-not-tried guarded=guard-unsigned
# deploy.sh as it comes, with a person's sign-in in the robot's place.
released
tools <<< 'echo mypassword | docker --config robot login -u myusername --password-stdin harbor.lab && sh deploy.sh harbor.lab/myproject/shop:v1.0.0'
wait_for 'the shop' replicas shop '[1-3]/3'
tried unsigned
