"""What runs networks on pictures: devices, decoder, preprocessing, engines, turns and memory."""
