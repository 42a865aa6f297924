print("the data has format 3")
