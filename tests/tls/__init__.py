"""`make tls-scan` grades the gateway as deploy/nginx ships it; see __main__.py."""
