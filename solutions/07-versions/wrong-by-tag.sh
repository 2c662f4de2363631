# expect: released=passed labelled=passed rolled_out=passed rolled_back=passed moved=passed by_digest=digest-behind-a-tag refused=passed quiz=passed
# docker wrote the digest there, nobody chose it
out
back
roll --image myusername/myapp:v1.1.0
moves latest
held
answers07
