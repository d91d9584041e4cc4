"""What only `fngen dev` needs, on the machine of the person who writes the code."""
