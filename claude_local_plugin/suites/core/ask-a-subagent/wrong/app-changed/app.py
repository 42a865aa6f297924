print("monday TEA 2")
