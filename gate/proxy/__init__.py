"""The fault proxy: a process of its own between a service and what it depends on.

The middle is pure and knows no socket; each file imports only files above it:

    forms        text with units -> frozen dataclasses, and back
    behaviours   what can happen to a connection or a request: one table
    mix          `5:error,10:delay`: who gets which, each at most one
    spec         one proxy: address, upstream, protocol, mixes, independent faults
    decision     H(seed, proxy, identity) -> what happens
    snapshot     all proxies at one generation; each change makes the next one
    explain      which of the requests 1..n would be hit

Around it is one event loop, and nothing there waits or locks:

    paces        when each piece of a stream is due                                  still pure
    stages       what stands in the way of a stream
    flow         one direction of a connection
    sockets      listening, a true RST, a true FIN
    counters     what was seen and done
    live         one proxy as it lives
    head         heads of HTTP messages                                              pure
    pair         a client and its upstream: how they meet, stop and end
    tcp, http    what passes between them
    switchboard  the snapshot in force, and what follows it
    control      the control API, with Toxiproxy's and Vaurien's
    process      configuration file and signals

To know it in ten minutes, read `behaviours`, `decision`, `snapshot` and `tcp`.
"""
