# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-no-service harmless=robot-not-tried guarded=guard-signed-refused
GUARD='echo "nothing is good enough" >&2
exit 1'
released; robot; script; tried unsigned other-key
