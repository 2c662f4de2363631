# expect: all passed
limited; proxy
address=$(on worker1 <<< "getent hosts mirror" | cut -d' ' -f1)
mirrored worker1 "http://$address:5000"; mirrored worker2 "http://$address:5000/"
pulled
cut_off; again worker2
