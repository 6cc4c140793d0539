"""The parts of the stack, one module each: started, stopped, killed and found again in the same way."""
