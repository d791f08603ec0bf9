"""The WidowX 250s and its relatives: arms whose joints are DYNAMIXEL servos on one bus."""
