"""The two listeners: routes and handlers that hand out finished bytes and pass acts on."""
