# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=passed harmless=robot-not-tried guarded=guard-changed
GUARD="docker service rm shop > /dev/null 2>&1
$GUARD"
released; robot; script; deploy; tried unsigned
