# expect: all passed
# Port 443 needs no port in the name.
HOST=registry.example SAN=DNS:registry.example
address=$(labkit shell workstation hostname -i)
for machine in workstation worker1 worker2; do on $machine <<< "echo $address registry.example >> /etc/hosts"; done
certificate
tools <<< "docker create -q --name registry -p 443:5000 $TLS $AUTH registry:2 && docker cp -q certs registry:/certs && docker start registry"
wait_for 'the registry' labkit shell workstation curl -sk https://localhost/v2/
trust workstation worker1 worker2; helper; sign_in; carry; released; deployed; tried
