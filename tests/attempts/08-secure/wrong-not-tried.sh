# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=passed harmless=robot-not-tried guarded=guard-untried
# Changed after the trial, if only by a comment; and nobody tried to push as the robot.
released; robot; script; deploy; tried unsigned
tools <<< 'echo "# better" >> deploy.sh'
