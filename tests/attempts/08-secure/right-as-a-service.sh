# expect: all passed
certificate
tools <<END
for file in cert.pem key.pem htpasswd; do docker secret create registry-\$file certs/\$file; done
docker service create -q --detach --name registry --constraint node.hostname==workstation --publish mode=host,published=5000,target=5000 \
  --secret source=registry-cert.pem,target=/certs/cert.pem --secret source=registry-key.pem,target=/certs/key.pem \
  --secret source=registry-htpasswd,target=/certs/htpasswd ${TLS//-e/--env} ${AUTH//-e/--env} registry:2
END
wait_for 'the registry' labkit shell workstation curl -sk https://localhost:5000/v2/
trust workstation worker1 worker2; helper; sign_in; carry; released; deployed; tried
