"""The identity index of people, in memory: blocks, edges, average-link clusters, entities and their ids. Pure."""
