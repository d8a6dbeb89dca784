"""The API without its transport: `rest` takes a request and gives an answer or a stream; the others are its parts.

What pods have to say for themselves (logs, commands) is asked through the ports in `pod_requests`.
"""
