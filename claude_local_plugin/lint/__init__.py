"""What is wrong in a pasted file that starts a model server? Reading it, and the checks of what it says."""
