# expect: all passed
# the build is lent a variable; it is in no layer and no history either
build() {
  printf '%s\n' "$DOCKERFILE" | labkit shell tools sh -c 'cat > Dockerfile'
  tools <<< "TOKEN=\$(cat token) docker build -q --secret id=token,env=TOKEN -t $SHOP:$TAG . && docker push -q $SHOP:$TAG"
}
secured
