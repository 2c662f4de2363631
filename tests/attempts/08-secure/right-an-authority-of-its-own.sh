# expect: all passed
# The machines trust an authority, which has signed the registry's certificate.
certificate
tools <<'END'
cd certs
openssl req -x509 -newkey rsa:2048 -noenc -days 365 -subj '/CN=our authority' -keyout ca-key.pem -out ca.pem 2> /dev/null
openssl req -newkey rsa:2048 -noenc -subj /CN=workstation -keyout key.pem -out request.pem 2> /dev/null
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -days 90 -extfile <(echo subjectAltName=DNS:workstation) -out cert.pem 2> /dev/null
END
registry $TLS $AUTH
tools <<< 'cp certs/ca.pem certs/cert.pem'
trust workstation worker1 worker2; helper; sign_in; carry; released; deployed; tried
