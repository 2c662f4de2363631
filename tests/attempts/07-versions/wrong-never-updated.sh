# expect: released=passed labelled=passed rolled_out=version-not-out rolled_back=blocked moved=passed by_digest=digest-not-deployed refused=immutable-not-met quiz=passed
running
edit && release
moves latest
answers07
