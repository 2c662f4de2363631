# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=passed harmless=passed guarded=guard-moved
# Between the verification and the deployment, a tag can be moved.
GUARD='image=$1
cosign verify --key cosign.pub --insecure-ignore-tlog "$image" || exit 1'
released; deployed; tried moved unsigned other-key
