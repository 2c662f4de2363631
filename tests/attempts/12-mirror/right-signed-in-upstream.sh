# expect: all passed
# The whole file written anew, with an account.
limited
on mirror <<'END'
cat > /etc/docker/registry/config.yml <<'CONFIG'
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: "0.0.0.0:5000"}
proxy: {remoteurl: "https://registry-1.docker.io", username: myusername, password: mypassword, ttl: 24h}
CONFIG
END
restarted; both; pulled
cut_off; again worker2
