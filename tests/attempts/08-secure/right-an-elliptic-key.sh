# expect: all passed
# another kind of key, and a certificate for several names
SAN=DNS:workstation,DNS:registry.example
certificate() {
  tools <<< "mkdir -p certs; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 90 -subj /CN=mine -addext subjectAltName=$SAN -keyout certs/key.pem -out certs/cert.pem 2> /dev/null
htpasswd -Bbn alice wonderland > certs/htpasswd"
}
secured
