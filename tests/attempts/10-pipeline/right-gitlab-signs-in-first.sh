# expect: all passed
# the sign-in comes before the build
STEPS='SIGN_IN BUILD TEST PUSH DEPLOY SMOKE'
gitlab
