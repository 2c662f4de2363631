# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=robot-person harmless=robot-not-tried guarded=guard-untried
# docker takes pass by itself where the configuration is empty. Then two accounts share it, and the first one counts.
helper; released
tools <<< 'rm -r robot'
robot; script; deploy; leak; tried unsigned
