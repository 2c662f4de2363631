# expect: all passed
helper() { tools <<< "gpg --batch --quiet --passphrase '' --quick-generate-key lab && pass init lab > /dev/null && echo '{\"auths\": {\"nobody.\": {}}, \"credHelpers\": {\"$HOST\": \"pass\"}}' > ~/.docker/config.json"; }
secured
