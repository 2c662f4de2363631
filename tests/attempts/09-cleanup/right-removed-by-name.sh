# expect: all passed
by_hand; retention; used
docker --context worker1 image rm myusername/old:v1.0.0; try
