"""The language of the API: objects, what is said about them, and how each is refused; pure, and knows no kind's rules.

Whatever else is here speaks it: `objects` and `conditions` ask, `decoding` (with `shapes` and `protobuf`) reads,
`patch` changes, `selectors` choose, `metadata` and `downward` know the fields that all kinds or all pods have, and
`errors` are the refusals.
"""
