"""What the published bundle says, without HTTP: for routes, the command line and exports."""
