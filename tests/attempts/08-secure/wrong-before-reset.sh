# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=shop-not-pushed signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
own; released; labkit reset 08-secure
