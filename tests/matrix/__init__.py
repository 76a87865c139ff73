"""Every operation x role x relation x credential, called over HTTP and compared with its declaration."""
