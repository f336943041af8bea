"""`pie-client`: the command line of the client."""
