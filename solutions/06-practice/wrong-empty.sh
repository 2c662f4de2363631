# diagnosis: build-empty
printf 'FROM scratch\nLABEL empty=yes\n' | docker build -t myusername/webapp:v1.0.0 -
