# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-can-more harmless=robot-pushed guarded=guard-other-key
# And a deploy.sh that is content with any signature.
GUARD='image=$1
cosign download signature "$image" > /dev/null || exit 1'
released; robot "$PULL, $PUSH"; script; deploy; leak; tried unsigned other-key
