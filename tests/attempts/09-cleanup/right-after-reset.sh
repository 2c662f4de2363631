# expect: all passed
by_hand; retention; try
labkit reset 09-cleanup
by_hand; retention; nodes; try
