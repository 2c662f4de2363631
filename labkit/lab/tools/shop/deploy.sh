#!/bin/sh
# Deploys an image as the service shop.   sh deploy.sh IMAGE
set -eu
image=$1
if docker service inspect shop > /dev/null 2>&1
then docker --config robot service update --detach --with-registry-auth --image "$image" shop
else docker --config robot service create --detach --with-registry-auth --name shop --replicas 3 "$image"
fi
