"""Where the paper, the released code and widely read tutorials disagree, a topic a file."""
