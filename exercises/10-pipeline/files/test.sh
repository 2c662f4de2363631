#!/bin/sh
# The app's test. Run it on an image before you push the image:  sh test.sh IMAGE
# Exit status 0: good. It looks into the image and starts no server.
set -eu
[ $# -eq 1 ] || { echo "usage: sh test.sh IMAGE" >&2; exit 2; }
files=$(docker run --rm "$1" cat /www/index.html /www/VERSION)
case $files in *"Hello from the shop"*) ;; *) echo "test: the page does not greet" >&2; exit 1 ;; esac
case $files in *"$(cat VERSION)"*) ;; *) echo "test: the image is not of version $(cat VERSION)" >&2; exit 1 ;; esac
echo "test: $1 is good"
