"""From what partners write to what can be compared: names, dates, addresses, numbers. Pure."""
