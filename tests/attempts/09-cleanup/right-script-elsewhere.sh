# expect: all passed
# the script is a link to where it lies
by_hand; retention
on depot <<< 'mkdir -p /opt/cleanup && mv /srv/retention /opt/cleanup/run.sh && ln -s /opt/cleanup/run.sh /srv/retention'
nodes; try
