"""The controllers: each compares what is with what should be whenever the store changes.

To add one: a file with a class that says what it watches, which keys a change concerns, and how to reconcile a key;
and a row in `running.Controllers`. Three run in every sandbox, for they are parts of the API server: `definitions`,
`naming` and `emptying`.
"""
