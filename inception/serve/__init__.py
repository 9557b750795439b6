"""The engine for more than one process: networks on Ray Serve, and a million pictures on Ray Data; optional."""
