"""The container runtime: images, processes and their warden, environment, names, volumes, logs, and commands.

It knows how a container runs and not whether it should; that is the room `kubelet`.
"""
