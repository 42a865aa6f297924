"""What fits on a machine, and how is it started? Models, hardware and engines as data, and the files made of them."""
