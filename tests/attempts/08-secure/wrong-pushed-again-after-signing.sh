# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=sign-other-digest robot=robot-no-service harmless=robot-not-tried guarded=blocked
# The tag was signed; then it is built anew, and pushed under the same tag.
released
BUILD="$BUILD --no-cache"; build
