"""营销触达的证明: a year of sends at random, each verdict compared with a judge that keeps its own books."""
