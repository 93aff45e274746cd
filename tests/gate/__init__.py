"""What is known of a page before it is parsed: encoding, hosts, policy."""
