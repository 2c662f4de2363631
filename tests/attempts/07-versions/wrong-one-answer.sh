# expect: released=push-none labelled=blocked rolled_out=blocked rolled_back=blocked moved=blocked by_digest=blocked refused=blocked quiz=quiz-wrong
labkit answer 07-versions numbers=cba update=b name=c
