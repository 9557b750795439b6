"""The pages of the app, one a file, in the frame that app.py gives them."""
