"""What runs a marked function on the platform. boot.py is where it starts."""
