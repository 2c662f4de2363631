#!/bin/sh
# The registry behind the edge. Only who holds a certificate of the store's own authority may speak to it: the edge.
set -eu
export REGISTRY_HTTP_TLS_CERTIFICATE=/lab/pki/server.pem
export REGISTRY_HTTP_TLS_KEY=/lab/pki/server-key.pem
export REGISTRY_HTTP_TLS_CLIENTCAS="[/lab/pki/store-ca.pem]"
exec docker-registry serve /lab/store.yml
