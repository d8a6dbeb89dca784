"""The control API: what can be asked of a switchboard over HTTP, answered within one turn of the event loop.

exchange     a question and a reply, as values
own          the proxy's own paths                      toxiproxy    those of Toxiproxy's clients
vaurien      those of Vaurien's                         metrics      Prometheus' text
paths        the table of all of them, and the OpenAPI document made from it
server       HTTP, and who may ask
"""
