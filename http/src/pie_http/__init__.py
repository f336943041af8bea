"""What every HTTP server of Pie is made of: the engine's, the registry's, the platform's two.

protocols    uvicorn's protocols, bounded: connections, heads, peers that do not read
server       uvicorn as a part of a program, which has its signals to itself
foreground   a server as the program in front of somebody: signals, descriptors, what it says
origin       which web pages may ask a server on this machine
"""
