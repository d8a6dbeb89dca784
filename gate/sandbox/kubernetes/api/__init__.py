"""The API without its transport: `rest` takes a request and has it answered by `reading` or `writing`.

What pods have to say for themselves (logs, commands) is asked through the ports in `pod_requests`.
"""
