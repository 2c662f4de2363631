# expect: all passed
# from the last exercise to the first; the node runs what it keeps from an image with a name
nodes; retention; try
by_hand
