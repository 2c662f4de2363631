# expect: trusted=own-trusted-in-part closed=blocked kept=blocked carried=blocked clean=shop-not-pushed signed=blocked robot=robot-no-service harmless=robot-not-tried guarded=blocked
# Only the machine that pushes was told of the certificate.
certificate; registry $TLS $AUTH; trust workstation; helper; sign_in
tools <<< "docker tag myapp $HOST/myapp && docker push -q $HOST/myapp"
