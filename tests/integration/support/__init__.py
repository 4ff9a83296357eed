"""What the integration tests share: an edge (edge.py), backends that can be scripted (backend.py), and
clients that say exactly what they are told (http1.py, http2.py, net.py)."""
