"""Did the holder of the key write exactly this request, just now and once (RFC 9421)?"""
