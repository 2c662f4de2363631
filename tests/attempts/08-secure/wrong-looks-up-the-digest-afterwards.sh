# expect: trusted=own-none closed=blocked kept=blocked carried=blocked clean=passed signed=passed robot=passed harmless=passed guarded=guard-moved
# Verifies, then asks the registry once more which digest the tag leads to, and deploys that.
GUARD='cosign verify --key cosign.pub --insecure-ignore-tlog "$1" > /dev/null || exit 1
name=${1%:*}
digest=$(curl -sI -u myusername:mypassword -H "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json" "https://harbor.lab/v2/${name#*/}/manifests/${1##*:}" | tr -d "\\r" | sed -n "s/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p")
image=$name@$digest'
released; deployed; tried
