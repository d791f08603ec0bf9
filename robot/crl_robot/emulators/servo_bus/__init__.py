"""A DYNAMIXEL protocol 2.0 bus on a pseudo-terminal, with the servos of an arm on it.

Nothing here is shared with the driver: registers and packets are written down a second time, so that an address or a
checksum that is wrong in one of the two does not go unnoticed.
"""
