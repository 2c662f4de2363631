# expect: all passed
by_hand; retention; nodes; try
