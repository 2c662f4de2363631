"""For authors: an exercise's solution and wrong ways played and proven, a new exercise started, the notebooks built."""
