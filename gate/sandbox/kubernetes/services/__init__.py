"""Services as far as there is a network: addresses, and the balancer behind them."""
